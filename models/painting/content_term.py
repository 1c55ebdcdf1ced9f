"""The content term of a painting as sums over tiles, with more weight in salient regions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .tiling import Tile, stride

#: Sums over tiles, by (name, layer, number of the mask).
Sums = dict[tuple[str, str, int], Tensor]
EPSILON = 1e-5
"""Added to variances before the square root, as in instance normalisation."""


class ContentTerm:
    """Content of a photograph at several layers.

    A painting's features x are normalised by their own mean and deviation over the whole picture, so that its palette
    is free; with the photograph's normalised features t and the region r, whose mean is 1, the term is the mean of
    r (x - t)^2. Tiles cannot see that mean and deviation, so they give means of x, x^2, r x, r x^2 and r x t.

    Args:
        features: float [1, C, h, w] of the photograph by layer.
        region: float [1, 1, H, W], local weight; None means equal weight.
        normalize: Compare normalised features; otherwise plain features, relative to their energy.
    """

    def __init__(self, features: Mapping[str, Tensor], region: Tensor | None, *, normalize: bool) -> None:
        self.layers, self._normalize = tuple(features), normalize
        self._targets = dict(features)
        if normalize:
            self._targets = {layer: F.instance_norm(value, eps=EPSILON) for layer, value in features.items()}
        self._regions = {layer: _region(region, value) for layer, value in features.items()}

    def sums(self, features: Mapping[str, Tensor], tile: Tile) -> Sums:
        """The contribution of a tile's core to the sums."""
        found: Sums = {}
        for layer in self.layers:
            step = stride(layer)
            core, whole = tile.core(features[layer], step), self._targets[layer]
            target = tile.part(whole, step)
            if self._normalize:
                felt = core * tile.part(self._regions[layer], step)
                values = {"level": core, "power": core.square(), "felt": felt, "felt power": felt * core}
                values["match"] = felt * target
                positions = whole[0, 0].numel()
                found |= {
                    (name, layer, 0): value.sum(dim=(0, 2, 3)) / positions for name, value in values.items()
                }
            else:
                energy = whole.square().sum() + EPSILON
                found["error", layer, 0] = (core - target).square().sum() / energy
        return found

    def value(self, sums: Sums) -> Tensor:
        """The term: the mean over layers."""
        of_layer = self._structure if self._normalize else lambda sums, layer: sums["error", layer, 0]
        return torch.stack([of_layer(sums, layer) for layer in self.layers]).mean()

    def _structure(self, sums: Sums, layer: str) -> Tensor:
        """`losses.structure_loss` with a region, from sums."""
        target, region = self._targets[layer], self._regions[layer]
        level, power, felt = (sums[name, layer, 0] for name in ("level", "power", "felt"))
        variance = (power - level.square()).clamp(min=0) + EPSILON
        own = (sums["felt power", layer, 0] - 2 * level * felt + level.square()).clamp(min=0) / variance
        felt_target = (region * target).mean(dim=(0, 2, 3))
        match = (sums["match", layer, 0] - level * felt_target) / variance.sqrt()
        return (own - 2 * match + (region * target.square()).mean(dim=(0, 2, 3))).mean()


def content_features(
    look: Callable[[Tensor, Sequence[str]], Mapping[str, Tensor]],
    content: Tensor,
    layers: Sequence[str],
    tiles: Sequence[Tile],
) -> dict[str, Tensor]:
    """Features of a photograph by layer, assembled from tiles.

    Args:
        look: (picture, names of layers) -> features.
        content: float [1, 3, H, W], RGB in [0, 1].
        layers: Names of the layers.
        tiles: Tiles that cover it.
    """
    whole: dict[str, Tensor] = {}
    for tile in tiles if layers else ():
        features = look(tile.crop(content), layers)
        for layer in layers:
            core, step = tile.core(features[layer], stride(layer)), stride(layer)
            if layer not in whole:
                size = (content.shape[2] // step, content.shape[3] // step)
                whole[layer] = core.new_zeros((1, core.shape[1], *size))
            tile.part(whole[layer], step).copy_(core)
    return whole


def _region(region: Tensor | None, features: Tensor) -> Tensor:
    """The region at a layer's resolution, with a mean of 1."""
    if region is None:
        return torch.ones_like(features[:, :1])
    small = F.adaptive_avg_pool2d(region.to(features.dtype), (features.shape[2], features.shape[3]))
    return small / small.mean().clamp(min=EPSILON)
