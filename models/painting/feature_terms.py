"""Content and style terms of a picture by a loss network, over tiles: values and gradient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..moments import Moments, moments_distances
from ..networks.loss_networks import LossNetwork
from . import matching
from .comparison import Comparison
from .content_term import ContentTerm, Sums, content_features
from .tiling import Tile, halo, stride, tiles

# For the style, tiles sum first and second moments of the features, under ("mean", layer, number of the mask) and
# ("second", ...), and distances to the nearest places of the style, under ("nearest", layer, number of the style).


@dataclass(frozen=True)
class Style:
    """One style picture.

    Attributes:
        image: float [1, 3, h, w], RGB in [0, 1], at the scale of the painting.
        weight: Its share; the shares of all styles sum to 1.
        mask: float [1, 1, H, W] in [0, 1], where the painting uses this style; None means everywhere.
    """

    image: Tensor
    weight: float = 1.0
    mask: Tensor | None = None


class FeatureTerms:
    """Content and style terms of a picture, over tiles.

    Means and covariances are those of the whole picture; with m and S the first and second moments, C = S - m m^T. For
    one tile, autograd computes the gradient. For several tiles, a first pass without gradients sums the moments over
    the tiles' cores, the loss is differentiated by these sums (small matrices), and a second pass propagates this to
    each tile's pixels. The result is exactly the gradient of the whole picture.

    Args:
        network: The loss network.
        content: float [1, 3, H, W], RGB in [0, 1], the photograph.
        styles: Style pictures.
        comparison: Layers and settings of the comparison.
        region: float [1, 1, H, W], local weight of the content; None means equal weight.
    """

    def __init__(
        self,
        network: LossNetwork,
        content: Tensor,
        styles: Sequence[Style],
        comparison: Comparison,
        *,
        region: Tensor | None = None,
    ) -> None:
        self._network, self._compared, self._styles = network, comparison, styles
        self._tiles = self._cut(content)
        self._masks = _layer_masks(
            styles, [*comparison.style_layers, *comparison.match_layers], content.shape[2:]
        )
        self._areas = {
            layer: [_area(mask, layer, content) for mask in masks] for layer, masks in self._masks.items()
        }
        with torch.no_grad():
            self._style_moments = [self._moments_of(style.image) for style in styles]
            self._places = [self._places_of(style.image) for style in styles if comparison.match_layers]
            features = content_features(self._look, content, comparison.content_layers, self._tiles)
            self._content = ContentTerm(features, region, normalize=comparison.normalize_content)

    def __call__(self, image: Tensor, weights: Mapping[str, float]) -> tuple[dict[str, float], Tensor]:
        """Unweighted terms, and the gradient [1, 3, H, W] of their weighted sum."""
        gradient = torch.zeros_like(image)
        if not self._compared.layers:
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

    @property
    def has_style(self) -> bool:
        """Whether there is a style term."""
        return bool(self._compared.style_layers)

    def _look(self, image: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Features in the picture's precision, independent of the network's."""
        with torch.autocast(image.device.type, torch.bfloat16, enabled=self._compared.half):
            features = self._network(image.contiguous(memory_format=torch.channels_last), layers)
        return {layer: value.to(image.dtype) for layer, value in features.items()}

    def _sums(self, image: Tensor, tile: Tile, *, is_cropped: bool = False) -> Sums:
        """The contribution of a tile's core to the sums."""
        features = self._look(image if is_cropped else tile.crop(image), self._compared.layers)
        sums = self._content.sums(features, tile)
        for layer in self._compared.style_layers:
            core = tile.core(features[layer], stride(layer))
            for index, mask in enumerate(self._masks[layer]):
                part = None if mask is None else tile.part(mask, stride(layer))
                mean, second = _moments_part(core, part, self._areas[layer][index])
                sums["mean", layer, index], sums["second", layer, index] = mean, second
        return sums | self._nearest(features, tile)

    def _nearest(self, features: Mapping[str, Tensor], tile: Tile) -> Sums:
        """The contribution of a tile's core to the mean distance to the nearest places of each style."""
        sums: Sums = {}
        if not self._places:
            return sums
        layers = self._compared.match_layers
        first, step = layers[0], stride(layers[0])
        here = matching.joined({layer: tile.core(features[layer], step) for layer in layers}, layers)
        for index, style in enumerate(self._places):
            of_mask = min(index, len(self._masks[first]) - 1)
            mask = self._masks[first][of_mask]
            with torch.autocast(here.device.type, torch.bfloat16, enabled=self._compared.half):
                found = matching.distances(here, style)
            weighed = found if mask is None else found * tile.part(mask, step).flatten()
            sums["nearest", first, index] = weighed.sum() / self._areas[first][of_mask]
        return sums

    def _terms(self, sums: Sums) -> dict[str, Tensor]:
        terms, shares = {}, self._compared.style_layers
        if self._content.layers:
            terms["content"] = self._content.value(sums)
        if shares:
            count = len(self._masks[next(iter(shares))])
            found = [_centred(sums, list(shares), index) for index in range(count)]
            each = [
                style.weight * moments_distances(found[min(index, count - 1)], target, shares=shares).mean()
                for index, (style, target) in enumerate(zip(self._styles, self._style_moments, strict=True))
            ]
            terms["style"] = torch.stack(each).sum()
        if self._places:
            first = self._compared.match_layers[0]
            nearest = [s.weight * sums["nearest", first, i] for i, s in enumerate(self._styles)]
            terms["match"] = torch.stack(nearest).sum()
        return terms

    def _moments_of(self, image: Tensor) -> dict[str, Moments]:
        sums: Sums = {}
        for tile in self._cut(image) if self._compared.style_layers else ():
            features = self._look(tile.crop(image), list(self._compared.style_layers))
            for layer, value in features.items():
                step = stride(layer)
                area = float((image.shape[2] // step) * (image.shape[3] // step))
                parts = zip(
                    ("mean", "second"), _moments_part(tile.core(value, step), None, area), strict=True
                )
                for name, part in parts:
                    sums[name, layer, 0] = sums[name, layer, 0] + part if (name, layer, 0) in sums else part
        return _centred(sums, list(self._compared.style_layers), 0)

    def _places_of(self, image: Tensor) -> matching.Places:
        layers, found = self._compared.match_layers, []
        for tile in self._cut(image):
            features = self._look(tile.crop(image), layers)
            cores = {layer: tile.core(features[layer], stride(layer)) for layer in layers}
            found.append(matching.joined(cores, layers))
        return matching.places(found)

    def _cut(self, image: Tensor) -> list[Tile]:
        height, width = image.shape[2:]
        return tiles(height, width, tile_px=self._compared.tile_px, halo_px=halo(self._compared.layers))


def _moments_part(core: Tensor, mask: Tensor | None, area: float) -> tuple[Tensor, Tensor]:
    """The contribution of a core [1, C, h, w] to mean [1, C] and second moments [1, C, C] over `area` positions."""
    flat = core.permute(0, 2, 3, 1).flatten(
        1, 2
    )  # [1, positions, C]: no copy, because features are channels last
    weighed = flat if mask is None else flat * mask.permute(0, 2, 3, 1).flatten(1, 2)
    return weighed.sum(dim=1) / area, torch.bmm(weighed.transpose(1, 2), flat) / area


def _centred(sums: Sums, layers: Sequence[str], index: int) -> dict[str, Moments]:
    """Means and centred covariances by layer, for one mask."""
    found = {}
    for layer in layers:
        mean, second = sums["mean", layer, index], sums["second", layer, index]
        found[layer] = Moments(mean, second - mean[:, :, None] * mean[:, None, :])
    return found


def _layer_masks(
    styles: Sequence[Style], layers: Sequence[str], size: Sequence[int]
) -> dict[str, list[Tensor | None]]:
    """Masks [1, 1, h, w] at each layer's resolution: one per style, or a single None for everywhere."""
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
    """Number of positions of a layer that a mask covers."""
    height, width = content.shape[2] // stride(layer), content.shape[3] // stride(layer)
    return float(height * width if mask is None else mask.sum())


def _floats(terms: Mapping[str, Tensor]) -> dict[str, float]:
    return {name: float(value.detach()) for name, value in terms.items()}
