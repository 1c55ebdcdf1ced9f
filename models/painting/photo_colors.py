"""Painting in the photograph's colours.

Source: Gatys et al., "Preserving color in neural artistic style transfer", 2016 (arXiv:1606.05897).
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..losses import luminance

_EPSILON = 1e-5


def with_colors_of(style: Tensor, content: Tensor) -> Tensor:
    """Recolours a style so that its RGB values have the photograph's mean and covariance.

    Args:
        style: float [1, 3, h, w], RGB in [0, 1].
        content: float [1, 3, H, W], RGB in [0, 1].

    Returns:
        float [1, 3, h, w], clipped to [0, 1].
    """
    style_mean, style_covariance = _statistics(style)
    mean, covariance = _statistics(content)
    transform = _power(covariance, 0.5) @ _power(style_covariance, -0.5)
    pixels = transform @ (style[0].flatten(1) - style_mean) + mean
    return pixels.reshape(style.shape).clamp(0, 1)


def grey_like(style: Tensor, content: Tensor) -> Tensor:
    """Luminance of the style as RGB [1, 3, h, w], with the mean and deviation of the photograph's luminance."""
    own, wanted = luminance(style), luminance(content)
    scale = wanted.std() / own.std().clamp(min=_EPSILON)
    return ((own - own.mean()) * scale + wanted.mean()).clamp(0, 1).expand(-1, 3, -1, -1).contiguous()


def with_luminance_of(content: Tensor, painting: Tensor) -> Tensor:
    """Combines the photograph's colour with the painting's luminance; both float [1, 3, H, W], RGB in [0, 1]."""
    return (content + luminance(painting) - luminance(content)).clamp(0, 1)


def _statistics(image: Tensor) -> tuple[Tensor, Tensor]:
    pixels = image[0].flatten(1)
    mean = pixels.mean(dim=1, keepdim=True)
    centred = pixels - mean
    return mean, centred @ centred.T / pixels.shape[1] + _EPSILON * torch.eye(3, device=image.device)


def _power(matrix: Tensor, exponent: float) -> Tensor:
    """Power of a symmetric positive definite matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    power: Tensor = vectors @ torch.diag(values.clamp(min=_EPSILON).pow(exponent)) @ vectors.T
    return power
