"""Content and style of a picture, seen through a loss network over tiles: values and gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .loss_networks import LossNetwork
from .moments import Moments, moments_distances
from .tiling import Tile, halo, stride, tiles

#: What tiles add up to. For the style, by ("mean", layer, number of the mask) and ("second", ...): first and second
#: moments of the features. For the content, by ("level", layer, 0), ("power", ...) and ("match", ...): means of the
#: features, of their squares, and of their products with the photograph's normalised features; of plain content, by
#: ("error", layer, 0), the squared difference relative to the photograph's energy.
Sums = dict[tuple[str, str, int], Tensor]
EPSILON = 1e-5
"""Added to variances before a root is taken, as instance normalisation does."""


@dataclass(frozen=True)
class Style:
    """One style picture.

    Attributes:
        image: float [1, 3, h, w], RGB in [0, 1], at the scale of the painting.
        weight: Its share; the shares of all styles add to 1.
        mask: float [1, 1, H, W] in [0, 1], where in the painting it rules; everywhere when None.
    """

    image: Tensor
    weight: float = 1.0
    mask: Tensor | None = None


class FeatureTerms:
    """Content and style of a picture, over tiles.

    Means and covariances belong to the whole picture; with m and S the first and second moments, C = S - m m^T. With
    one tile their gradient is plain autograd; with several a first pass without gradients sums the moments over the
    tiles' cores, the loss is differentiated by these sums (small matrices), and a second pass carries that into each
    tile's pixels: exactly the gradient of the whole picture.
    """

    def __init__(
        self,
        network: LossNetwork,
        content: Tensor,
        styles: Sequence[Style],
        *,
        content_layers: tuple[str, ...],
        style_layers: tuple[str, ...],
        tile_px: int,
        normalize_content: bool = True,
    ) -> None:
        self._network, self._tile_px, self._normalize = network, tile_px, normalize_content
        self._content_layers, self._style_layers = content_layers, style_layers
        self._layers = tuple(sorted({*content_layers, *style_layers}))
        self._styles = styles
        self._tiles = self._cut(content)
        self._masks = _layer_masks(styles, style_layers, content.shape[2:])
        self._areas = {
            layer: [_area(mask, layer, content) for mask in self._masks[layer]] for layer in style_layers
        }
        with torch.no_grad():
            self._style_moments = [self._moments_of(style.image) for style in styles]
            self._content = self._targets(content)

    def __call__(self, image: Tensor, weights: Mapping[str, float]) -> tuple[dict[str, float], Tensor]:
        """Unweighted terms, and the gradient [1, 3, H, W] of their weighted sum."""
        gradient = torch.zeros_like(image)
        if not self._layers:
            return {}, gradient
        if len(self._tiles) == 1:
            pixels = image.detach().requires_grad_(True)
            sums = self._sums(pixels, self._tiles[0])
            terms = self._terms(sums)
            total = torch.stack([weights[name] * value for name, value in terms.items()]).sum()
            return _floats(terms), torch.autograd.grad(total, pixels)[0]
        with torch.no_grad():
            parts = [self._sums(image, tile) for tile in self._tiles]
        sums = {
            key: torch.stack([part[key] for part in parts]).sum(dim=0).requires_grad_(True)
            for key in parts[0]
        }
        terms = self._terms(sums)
        total = torch.stack([weights[name] * value for name, value in terms.items()]).sum()
        slopes = dict(zip(sums, torch.autograd.grad(total, list(sums.values())), strict=True))
        for tile in self._tiles:
            pixels = tile.crop(image).detach().requires_grad_(True)
            part = self._sums(pixels, tile, is_cropped=True)
            surrogate = torch.stack([(slopes[key] * value).sum() for key, value in part.items()]).sum()
            tile.crop(gradient).add_(torch.autograd.grad(surrogate, pixels)[0])
        return _floats(terms), gradient

    def _sums(self, image: Tensor, tile: Tile, *, is_cropped: bool = False) -> Sums:
        """What a tile's core adds to the whole."""
        seen = image if is_cropped else tile.crop(image)
        features = self._network(seen.contiguous(memory_format=torch.channels_last), self._layers)
        sums: Sums = {}
        for layer in self._style_layers:
            core = tile.core(features[layer], stride(layer))
            for index, mask in enumerate(self._masks[layer]):
                part = None if mask is None else tile.part(mask, stride(layer))
                mean, second = _moments_part(core, part, self._areas[layer][index])
                sums["mean", layer, index], sums["second", layer, index] = mean, second
        for layer in self._content_layers:
            core = tile.core(features[layer], stride(layer))
            sums |= self._content_sums(core, tile.part(self._content[layer], stride(layer)), layer)
        return sums

    def _content_sums(self, core: Tensor, target: Tensor, layer: str) -> Sums:
        whole = self._content[layer]
        if not self._normalize:
            return {("error", layer, 0): (core - target).square().sum() / (whole.square().sum() + EPSILON)}
        values = {"level": core, "power": core.square(), "match": core * target}
        positions = whole[0, 0].numel()
        return {(name, layer, 0): value.sum(dim=(0, 2, 3)) / positions for name, value in values.items()}

    def _terms(self, sums: Sums) -> dict[str, Tensor]:
        terms = {}
        if self._content_layers:
            of_layer = self._structure if self._normalize else lambda sums, layer: sums["error", layer, 0]
            each_layer = [of_layer(sums, layer) for layer in self._content_layers]
            terms["content"] = torch.stack(each_layer).mean()
        if self._style_layers:
            count = len(self._masks[self._style_layers[0]])
            found = [_centred(sums, self._style_layers, index) for index in range(count)]
            each = [
                style.weight * moments_distances(found[min(index, count - 1)], target).mean()
                for index, (style, target) in enumerate(zip(self._styles, self._style_moments, strict=True))
            ]
            terms["style"] = torch.stack(each).sum()
        return terms

    def _structure(self, sums: Sums, layer: str) -> Tensor:
        """`losses.structure_loss` from sums: with x and t normalised, the mean of (x - t)^2 is that of x^2 - 2xt + t^2.

        The mean of x is subtracted nowhere: t has mean 0, so it does not change the products.
        """
        variance = (sums["power", layer, 0] - sums["level", layer, 0].square()).clamp(min=0)
        own = variance / (variance + EPSILON)
        match = sums["match", layer, 0] / (variance + EPSILON).sqrt()
        return (own - 2 * match + self._content[layer].square().mean(dim=(0, 2, 3))).mean()

    def _targets(self, content: Tensor) -> dict[str, Tensor]:
        """Features of the photograph, put together from the tiles; normalised unless its palette counts, too."""
        whole: dict[str, Tensor] = {}
        for tile in self._tiles if self._content_layers else ():
            features = self._network(tile.crop(content), self._content_layers)
            for layer in self._content_layers:
                core, step = tile.core(features[layer], stride(layer)), stride(layer)
                if layer not in whole:
                    size = (content.shape[2] // step, content.shape[3] // step)
                    whole[layer] = core.new_zeros((1, core.shape[1], *size))
                tile.part(whole[layer], step).copy_(core)
        if not self._normalize:
            return whole
        return {layer: F.instance_norm(value, eps=EPSILON) for layer, value in whole.items()}

    def _moments_of(self, image: Tensor) -> dict[str, Moments]:
        sums: Sums = {}
        for tile in self._cut(image):
            features = self._network(tile.crop(image), self._style_layers)
            for layer, value in features.items():
                step = stride(layer)
                area = float((image.shape[2] // step) * (image.shape[3] // step))
                parts = zip(
                    ("mean", "second"), _moments_part(tile.core(value, step), None, area), strict=True
                )
                for name, part in parts:
                    sums[name, layer, 0] = sums[name, layer, 0] + part if (name, layer, 0) in sums else part
        return _centred(sums, self._style_layers, 0)

    def _cut(self, image: Tensor) -> list[Tile]:
        height, width = image.shape[2:]
        return tiles(height, width, tile_px=self._tile_px, halo_px=halo(self._layers))


def _moments_part(core: Tensor, mask: Tensor | None, area: float) -> tuple[Tensor, Tensor]:
    """What a core [1, C, h, w] adds to the mean [1, C] and to the second moments [1, C, C] over `area` positions."""
    flat = core.flatten(2)
    weighed = flat if mask is None else flat * mask.flatten(2)
    return weighed.sum(dim=2) / area, torch.bmm(weighed, flat.transpose(1, 2)) / area


def _centred(sums: Sums, layers: Sequence[str], index: int) -> dict[str, Moments]:
    """Means and centred covariances by layer, of one mask."""
    found = {}
    for layer in layers:
        mean, second = sums["mean", layer, index], sums["second", layer, index]
        found[layer] = Moments(mean, second - mean[:, :, None] * mean[:, None, :])
    return found


def _layer_masks(
    styles: Sequence[Style], layers: Sequence[str], size: Sequence[int]
) -> dict[str, list[Tensor | None]]:
    """Masks [1, 1, h, w] at each layer's resolution: one for each style, or a single None for everywhere."""
    masks: dict[str, list[Tensor | None]] = {}
    for layer in layers:
        step = stride(layer)
        target = (size[0] // step, size[1] // step)
        masks[layer] = [
            F.adaptive_avg_pool2d(style.mask, target) for style in styles if style.mask is not None
        ]
        masks[layer] = masks[layer] or [None]
    return masks


def _area(mask: Tensor | None, layer: str, content: Tensor) -> float:
    """Positions of a layer that a mask covers."""
    height, width = content.shape[2] // stride(layer), content.shape[3] // stride(layer)
    return float(height * width if mask is None else mask.sum())


def _floats(terms: Mapping[str, Tensor]) -> dict[str, float]:
    return {name: float(value.detach()) for name, value in terms.items()}
