"""Measures how painted a picture looks, what it kept, and its palette, by features that no style loss uses.

    painted = mean over scales 1, 1/2, 1/4 and layers of  1 - d(output, style) / d(photograph, style)

d is the distance of two correlation matrices of SqueezeNet's channels: the photograph scores 0, the style picture 1.
Correlations of centred channels contain no colour, and fine noise does not affect the coarse scales.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..losses import class_maps, correlation
from ..networks.localization import LocalizationNetwork

SCALES = (1, 2, 4)
LAYERS = ("conv1", "fire3", "fire5", "fire7", "fire9")
#: A channel with a much smaller deviation than the others counts less, because its correlations are noise.
_FAINT = 1e-3
_EPSILON = 1e-8
#: Number of directions and of quantiles of the sliced Wasserstein distance.
_DIRECTIONS, _QUANTILES = 32, 256

#: Correlation matrices [N, C, C] by layer, for each scale.
Correlations = Sequence[Mapping[str, Tensor]]


@torch.no_grad()
def correlations(network: LocalizationNetwork, image: Tensor) -> Correlations:
    """Correlation matrices of the channels at every scale.

    Args:
        network: SqueezeNet 1.1.
        image: float [N, 3, H, W], RGB in [0, 1].
    """
    found = []
    for scale in SCALES:
        reduced = F.avg_pool2d(image, scale) if scale > 1 and min(image.shape[2:]) >= scale else image
        features = network.features(_large_enough(reduced))
        found.append({layer: _correlation_matrices(features[layer]) for layer in LAYERS})
    return found


def painted_by_scale(output: Correlations, photograph: Correlations, style: Correlations) -> Tensor:
    """`painted` at each scale: 0 for the photograph, 1 for the style, < 0 further away: float [N, scales]."""
    scales = []
    for o, p, s in zip(output, photograph, style, strict=True):
        shares = []
        for name in LAYERS:
            before, after = _distance(p[name], s[name]), _distance(o[name], s[name])
            shares.append((before - after) / (before + _EPSILON))
        scales.append(torch.stack(shares).mean(dim=0))
    return torch.stack(scales, dim=1)


def painted(
    network: LocalizationNetwork, outputs: Tensor, photographs: Tensor, style: Correlations
) -> Tensor:
    """Mean of `painted_by_scale` over the scales, for a batch: float [N].

    Args:
        network: SqueezeNet 1.1, on the device of the pictures.
        outputs: float [N, 3, H, W], RGB, clipped to [0, 1] here.
        photographs: float [N, 3, H, W], RGB in [0, 1].
        style: `correlations` of the style picture, computed once.
    """
    pictures = torch.cat([outputs.detach().clamp(0, 1), photographs]).float()
    both, half = correlations(network, pictures), len(outputs)
    first = [{name: matrix[:half] for name, matrix in scale.items()} for scale in both]
    second = [{name: matrix[half:] for name, matrix in scale.items()} for scale in both]
    return painted_by_scale(first, second, style).mean(dim=1)


@torch.no_grad()
def colours(image: Tensor) -> Tensor:
    """Quantiles of a picture's colours along random directions: float [32, 256].

    Args:
        image: float [1, 3, H, W], RGB in [0, 1], of any size.
    """
    directions = torch.randn(_DIRECTIONS, 3, generator=torch.Generator().manual_seed(0)).to(image.device)
    ordered = (F.normalize(directions, dim=1) @ image[0].flatten(1)).sort(dim=1).values
    return F.interpolate(ordered[None], size=_QUANTILES, mode="linear", align_corners=True)[0]


def palette_shift(output: Tensor, photograph: Tensor, style: Tensor) -> float:
    """0 for the photograph's colours, 1 for the style's, by the sliced Wasserstein distance.

    Args:
        output: Result of `colours`; `photograph` and `style` likewise.
        photograph: The photograph's.
        style: The style picture's.
    """
    before, after = (float((found - style).abs().mean()) for found in (photograph, output))
    return 1 - after / (before + _EPSILON)


class Recognised:
    """SqueezeNet's outputs for one picture.

    Args:
        network: SqueezeNet 1.1.
        image: float [1, 3, H, W], RGB in [0, 1].

    Attributes:
        pooled: float [1, 512], mean of the last features.
        maps: float [1, 1000, 13, 13], class activation maps.
        likeliest: int [1], the most likely class.
    """

    @torch.no_grad()
    def __init__(self, network: LocalizationNetwork, image: Tensor) -> None:
        features = network.features(network.prepare(image))["fire9"]
        self.pooled = features.mean(dim=(2, 3))
        self.maps = network.maps(features)
        self.likeliest = network.logits(self.maps).argmax(dim=1)

    def semantic(self, other: Recognised) -> float:
        """Cosine similarity of the pooled features."""
        return float(F.cosine_similarity(self.pooled, other.pooled))

    def maps_of(self, classes: Tensor) -> Tensor:
        """The activation maps [1, h, w] of classes [1]."""
        return class_maps(self.maps, classes)

    def map_correlation(self, photograph: Recognised) -> float:
        """Correlation of the activation maps of the photograph's class."""
        classes = photograph.likeliest
        return float(correlation(self.maps_of(classes), photograph.maps_of(classes)))


def _correlation_matrices(features: Tensor) -> Tensor:
    """[N, C, h, w] -> [N, C, C]; the diagonal of a constant channel is 0."""
    flat = features.float().flatten(2)
    flat = flat - flat.mean(dim=2, keepdim=True)
    norm = torch.linalg.vector_norm(flat, dim=2, keepdim=True)
    flat = flat / (norm + _FAINT * norm.mean(dim=1, keepdim=True) + _EPSILON)
    return torch.bmm(flat, flat.transpose(1, 2))


def _distance(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().sum(dim=(1, 2)).sqrt()


def _large_enough(image: Tensor, side: int = 64) -> Tensor:
    """Enlarges pictures smaller than `side` px, which the poolings would reduce to nothing."""
    if min(image.shape[2:]) >= side:
        return image
    size = [max(side, length) for length in image.shape[2:]]
    return F.interpolate(image, size=size, mode="bilinear", align_corners=False)
