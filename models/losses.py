"""Losses: pure functions of pictures, features and activation maps.

Pictures are float [N, 3, H, W], RGB in [0, 1]. Every loss is a mean over the batch, scale-free where possible, so one
set of weights works for all styles and picture sizes.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

_EPSILON = 1e-8
#: Period of the mesh that upsampling from a quarter of the resolution leaves, and side of the tiles that are searched.
MESH_PX, MESH_TILE_PX = 4, 56
#: Side of the squares of `patch_loss`.
PATCH_PX = 16


def content_loss(output: Tensor, content: Tensor) -> Tensor:
    """Squared feature difference, relative to the energy of the photograph's own features (Gatys et al. 2016).

    Args:
        output: float [N, C, h, w], features of the painting.
        content: float [N, C, h, w], features of the photograph.
    """
    difference = (output - content).square().sum(dim=(1, 2, 3))
    return (difference / (content.square().sum(dim=(1, 2, 3)) + _EPSILON)).mean()


def structure_loss(
    output: Tensor, content: Tensor, region: Tensor | None = None, weight: Tensor | float = 1.0
) -> Tensor:
    """Squared difference of instance-normalised features: keeps the photograph's forms, not its palette.

    Args:
        output: float [N, C, h, w], features of the painting.
        content: float [N, C, h, w], features of the photograph.
        region: float [N, 1, h', w'], local weight of the photograph; scaled to a mean of 1 per picture.
        weight: Factor, a number or float [N, 1, 1, 1].
    """
    difference = (F.instance_norm(output) - F.instance_norm(content)).square().mean(dim=1, keepdim=True)
    if region is not None:
        region = F.interpolate(region, size=difference.shape[2:], mode="bilinear", align_corners=False)
        difference = difference * region / region.mean(dim=(2, 3), keepdim=True)
    return (difference * weight).mean()


def gram(features: Tensor) -> Tensor:
    """Gram matrix [N, C, C] of features [N, C, h, w], divided by h * w."""
    n, c, h, w = features.shape
    flat = features.reshape(n, c, h * w)
    return flat @ flat.transpose(1, 2) / (h * w)


def style_loss(output: Mapping[str, Tensor], style: Mapping[str, Tensor]) -> Tensor:
    """Mean over layers of the squared Gram difference, each divided by the style's own Gram energy.

    Args:
        output: Gram matrices [N, C, C] of the painting by layer.
        style: Gram matrices [N, C, C] or [1, C, C] of the style picture by layer.
    """
    return style_losses(output, style).mean()


def style_losses(output: Mapping[str, Tensor], style: Mapping[str, Tensor]) -> Tensor:
    """The same as `style_loss` for each picture: float [N]."""
    terms = []
    for layer, target in style.items():
        difference = (output[layer] - target).square().sum(dim=(1, 2))
        terms.append(difference / (target.square().sum(dim=(1, 2)) + _EPSILON))
    return torch.stack(terms).mean(dim=0)


def total_variation(image: Tensor) -> Tensor:
    """Mean squared difference of neighbouring pixels."""
    rows = (image[:, :, 1:] - image[:, :, :-1]).square().mean()
    columns = (image[:, :, :, 1:] - image[:, :, :, :-1]).square().mean()
    return rows + columns


def mesh_loss(image: Tensor) -> Tensor:
    """Strength of a pattern that repeats every four pixels, as upsampling from a quarter of the resolution leaves it.

    In tiles of `MESH_TILE_PX`, what is finer than 5 pixels is averaged over all places of the same phase; strokes have
    no phase, so only the mesh remains. Cause: Odena et al., "Deconvolution and checkerboard artifacts", 2016.

    Args:
        image: float [N, 3, H, W]; a side below `MESH_TILE_PX` is one tile.
    """
    tiles = [max(1, side // MESH_TILE_PX) for side in image.shape[2:]]
    periods = [side // count // MESH_PX for side, count in zip(image.shape[2:], tiles, strict=True)]
    if not all(periods):
        return image.sum() * 0
    height, width = (a * b * MESH_PX for a, b in zip(tiles, periods, strict=True))
    fine = image - F.avg_pool2d(image, 5, stride=1, padding=2, count_include_pad=False)
    down, across = ((count, period, MESH_PX) for count, period in zip(tiles, periods, strict=True))
    cells = fine[:, :, :height, :width].reshape(*fine.shape[:2], *down, *across)
    return cells.mean(dim=(3, 6)).square().mean()


def range_loss(image: Tensor) -> Tensor:
    """Mean squared excess over [0, 1]: values outside lose their colours when converted to 8 bits."""
    return (image - image.clamp(0, 1)).square().mean()


def class_maps(maps: Tensor, classes: Tensor) -> Tensor:
    """The maps [N, h, w] of one class for each picture, out of [N, K, h, w]; classes is int [N]."""
    return maps[torch.arange(len(classes), device=maps.device), classes]


def cam_loss(output: Tensor, content: Tensor, classes: Tensor) -> Tensor:
    """CAM term of the region loss: half the squared difference of the standardised class activation maps.

    Both maps are those of the *photograph's* class, standardised to mean 0 and deviation 1, so the term is one minus
    their correlation, independent of the class's scale: 0 for the same map, 1 for an unrelated one.

    Args:
        output: float [N, K, h, w], activation maps of the painting.
        content: float [N, K, h, w], activation maps of the photograph.
        classes: int [N], class of each photograph.

    Source: Liu et al., "Region-loss for neural style transfer", IEEE Access 2019, doi 10.1109/ACCESS.2019.2891576.
    """
    return (1 - correlation(class_maps(output, classes), class_maps(content, classes))).mean()


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """Pearson correlation [N] of maps a and b [N, h, w]."""
    a = a.flatten(1) - a.flatten(1).mean(dim=1, keepdim=True)
    b = b.flatten(1) - b.flatten(1).mean(dim=1, keepdim=True)
    return F.cosine_similarity(a, b, dim=1, eps=1e-6)


def category_loss(logits: Tensor, classes: Tensor) -> Tensor:
    """Category term of the region loss: cross-entropy of logits [N, K] against the photograph's class [N]."""
    return F.cross_entropy(logits, classes)


def edge_loss(output: Tensor, content: Tensor) -> Tensor:
    """Difference of Sobel magnitudes of luminance, relative to the photograph's energy."""
    expected = sobel_magnitude(luminance(content))
    difference = (sobel_magnitude(luminance(output)) - expected).square().mean(dim=(1, 2, 3))
    return (difference / (expected.square().mean(dim=(1, 2, 3)) + 1e-4)).mean()


def shape_loss(output: Tensor, content: Tensor) -> Tensor:
    """Shape of the salient region: one minus the soft Dice overlap of two masks [N, h, w] in [0, 1]."""
    overlap = 2 * (output * content).sum(dim=(1, 2))
    total = output.square().sum(dim=(1, 2)) + content.square().sum(dim=(1, 2))
    return (1 - (overlap + _EPSILON) / (total + _EPSILON)).mean()


def color_loss(output: Tensor, content: Tensor, *, sigma_px: float = 8.0) -> Tensor:
    """Difference of low-pass chroma (YCbCr, BT.601): keeps the placement of colours, does not affect strokes."""
    return (blur(chroma(output), sigma_px) - blur(chroma(content), sigma_px)).square().mean()


def temporal_loss(warped_output: Tensor, output_of_warped: Tensor, valid: Tensor) -> Tensor:
    """Paint-then-warp against warp-then-paint: mean over valid pixels of ||W(T(x)) - T(W(x) + noise)||^2.

    A photograph is warped by a random smooth flow W and gets noise, to simulate a moving camera, so no video is
    needed. Source: Wang et al., "Consistent video style transfer via relaxation and regularization" (ReReVST), TIP
    2020, doi 10.1109/TIP.2020.3024018.

    Args:
        warped_output: float [N, 3, H, W], the painting of the photograph, warped.
        output_of_warped: float [N, 3, H, W], the painting of the warped, noisy photograph.
        valid: float [N, 1, H, W], 1 where the warp stays within the picture.
    """
    difference = (warped_output - output_of_warped).square() * valid
    return difference.sum() / (valid.sum() * 3 + _EPSILON)


def patch_loss(warped_output: Tensor, output_of_warped: Tensor, valid: Tensor) -> Tensor:
    """Like `temporal_loss`, of means of squares of 16 px: large patches of colour move with what they are painted on.

    A network can tell how far the rim is, and lays bands of colour along it if nothing speaks against that. A stroke
    that flickers costs nothing here.
    """
    difference = F.avg_pool2d((warped_output - output_of_warped) * valid, PATCH_PX, ceil_mode=True)
    known = F.avg_pool2d(valid, PATCH_PX, ceil_mode=True)
    return difference.square().sum() / (known.sum() * 3 + _EPSILON)


def contrast(image: Tensor, valid: Tensor) -> Tensor:
    """Variance of the valid pixels of pictures [N, 3, H, W] within their channels, a scalar.

    A squared difference of two paintings, over the sum of their contrasts, is 0 for the same picture and 1 for
    unrelated ones, and it cannot be made small by painting everything pale.

    Args:
        image: float [N, 3, H, W], RGB in [0, 1].
        valid: float [N, 1, H, W], 1 where a pixel counts.
    """
    area = valid.sum(dim=(2, 3), keepdim=True) + _EPSILON
    mean = (image * valid).sum(dim=(2, 3), keepdim=True) / area
    return ((image - mean).square() * valid).sum() / (area.sum() * image.shape[1])


def luminance(image: Tensor) -> Tensor:
    """Luma [N, 1, H, W] (BT.601) of RGB."""
    weights = image.new_tensor([0.299, 0.587, 0.114])
    return (image * weights[:, None, None]).sum(dim=1, keepdim=True)


def grey(image: Tensor) -> Tensor:
    """RGB [N, 3, H, W] without hues: three times the luma."""
    return luminance(image).expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)


def chroma(image: Tensor) -> Tensor:
    """Cb and Cr [N, 2, H, W] (BT.601), about [-0.5, 0.5]."""
    luma = luminance(image)
    return torch.cat([(image[:, 2:3] - luma) / 1.772, (image[:, 0:1] - luma) / 1.402], dim=1)


def sobel_magnitude(image: Tensor) -> Tensor:
    """Gradient magnitude [N, 1, H, W] of a one-channel picture."""
    kernel = image.new_tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]) / 4
    kernels = torch.stack([kernel, kernel.T])[:, None]
    gradients = F.conv2d(F.pad(image, (1, 1, 1, 1), mode="replicate"), kernels)
    return (gradients.square().sum(dim=1, keepdim=True) + 1e-6).sqrt()


def blur(image: Tensor, sigma_px: float) -> Tensor:
    """Gaussian blur [N, C, H, W], separable, edges replicated; always in float32, also under autocast.

    A depthwise convolution of bfloat16 pictures in channels-last layout never returns on some CPUs (PyTorch 2.13).
    """
    with torch.autocast(image.device.type, enabled=False):
        return _blurred(image.float(), sigma_px)


def _blurred(image: Tensor, sigma_px: float) -> Tensor:
    radius = max(1, round(2.5 * sigma_px))
    x = torch.arange(-radius, radius + 1, dtype=image.dtype, device=image.device)
    kernel = torch.exp(-0.5 * (x / sigma_px) ** 2)
    kernel = (kernel / kernel.sum()).expand(image.shape[1], 1, 1, -1)
    image = F.conv2d(F.pad(image, (radius, radius, 0, 0), mode="replicate"), kernel, groups=image.shape[1])
    kernel = kernel.transpose(2, 3)
    return F.conv2d(F.pad(image, (0, 0, radius, radius), mode="replicate"), kernel, groups=image.shape[1])
