"""Channel statistics of features: means and centred covariances, and their distances.

The raw Gram matrix is the covariance plus the outer product of the means. In VGG's features that product is 61 to 97 %
of it, so a loss on Gram matrices sees colour and hardly any strokes. Here means and covariances are compared
separately.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

#: Number of parts in which positions are summed, so that half precision adds few numbers at a time.
_PARTS = 16
_EPSILON = 1e-12


class Moments(NamedTuple):
    """Statistics of features over positions.

    Attributes:
        mean: float32 [N, C].
        covariance: float32 [N, C, C], centred.
    """

    mean: Tensor
    covariance: Tensor

    def of(self, pictures: Tensor) -> Moments:
        """Selects the moments of pictures by index, int [M]."""
        return Moments(self.mean[pictures], self.covariance[pictures])


def moments(features: Tensor) -> Moments:
    """Means and centred covariances of the channels.

    Args:
        features: float [N, C, h, w]; half precision is multiplied in half precision and summed in float32.
    """
    n, c, h, w = features.shape
    mean, covariance = _Moments.apply(features.permute(0, 2, 3, 1).reshape(n, h * w, c).contiguous())  # type: ignore[no-untyped-call]
    return Moments(mean, covariance)


def moments_distances(
    output: Mapping[str, Moments], style: Mapping[str, Moments], *, shares: Mapping[str, float] | None = None
) -> Tensor:
    """Distance of pictures from their style, float [N]: 0 for equal statistics, at most about 1.

        mean over layers of  1/2 |C - C*|^2 / (|C|^2 + |C*|^2)  +  1/2 |m - m*|^2 / (|m|^2 + |m*|^2)

    Bounded terms prevent a layer from dominating: divided only by |C*|^2, a photograph would give 12 to 45 at relu5_1.

    Args:
        output: Moments of the paintings by layer.
        style: Moments of their style pictures by layer, for N pictures or one.
        shares: Weight of each layer in the mean; equal by default.
    """
    terms, weights = [], []
    for layer, target in style.items():
        terms.append(_bounded(output[layer].covariance, target.covariance, axes=(1, 2)))
        terms.append(_bounded(output[layer].mean, target.mean, axes=(1,)))
        weights += [shares[layer] if shares else 1.0] * 2
    factors = terms[0].new_tensor(weights) / sum(weights)
    return torch.einsum("l,ln->n", factors, torch.stack(terms))


def covariance_errors(output: Mapping[str, Moments], style: Mapping[str, Moments]) -> dict[str, Tensor]:
    """|C - C*| / |C*| by layer and picture, float [N] each."""
    return {
        layer: torch.linalg.matrix_norm(output[layer].covariance - target.covariance)
        / (torch.linalg.matrix_norm(target.covariance) + _EPSILON)
        for layer, target in style.items()
    }


def _bounded(value: Tensor, target: Tensor, *, axes: tuple[int, ...]) -> Tensor:
    """|a - b|^2 / (|a|^2 + |b|^2) by picture, in [0, 2]; in [0, 1] if a and b do not have opposite signs."""
    energy = value.square().sum(dim=axes) + target.square().sum(dim=axes)
    return (value - target).square().sum(dim=axes) / (energy + _EPSILON)


class _Moments(torch.autograd.Function):
    """Autograd function that saves only the centred features and multiplies in the features' precision."""

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> tuple[Tensor, Tensor]:
        """[N, P, C] -> [N, C] and [N, C, C]."""
        n, positions, channels = features.shape
        mean = features.mean(dim=1, dtype=torch.float32)
        centred = features - mean[:, None].to(features.dtype)
        parts = next(count for count in range(_PARTS, 0, -1) if positions % count == 0)
        split = centred.view(n * parts, positions // parts, channels)
        products = torch.bmm(split.transpose(1, 2), split).view(n, parts, channels, channels)
        ctx.save_for_backward(centred)
        return mean, products.sum(dim=1, dtype=torch.float32) / positions

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """Gradient of the mean: 1 / P at every position; of the covariance: (G + G^T) x / P, which sums to 0."""
        (centred,) = ctx.saved_tensors
        by_mean, by_covariance = gradients
        positions, kind = centred.shape[1], centred.dtype
        slopes = (by_covariance + by_covariance.transpose(1, 2)) / positions
        return torch.baddbmm((by_mean / positions).to(kind)[:, None], centred, slopes.to(kind))
