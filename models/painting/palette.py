"""Painting in the photograph's colours, and masks for several styles.

Source: Gatys et al., "Preserving color in neural artistic style transfer", 2016 (arXiv:1606.05897), and "Controlling
perceptual factors in neural style transfer", CVPR 2017 (arXiv:1611.07865).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...engine.errors import InputError
from ...engine.frame import Image, as_image
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


def style_masks(mask: Image, count: int) -> list[Image]:
    """Splits a mask picture by its grey levels into one mask per style.

    Args:
        mask: uint8 [H, W] or [H, W, 3], one grey level per style; the darkest is for the first style.
        count: Number of styles.

    Returns:
        uint8 [H, W] masks, 0 or 255, that sum to 255 everywhere.

    Raises:
        InputError: There are fewer grey levels than styles, or a style would not be visible.
    """
    grey = mask if mask.ndim == 2 else cv2.cvtColor(mask, cv2.COLOR_BGR2GRAY)
    values, frequencies = np.unique(grey, return_counts=True)
    if len(values) < count:
        raise InputError(f"the mask has {len(values)} grey levels, but there are {count} styles")
    levels = np.sort(_main_levels(as_image(values), frequencies, count))
    nearest = np.abs(grey[:, :, None].astype(np.int16) - levels.astype(np.int16)).argmin(axis=2)
    masks = [np.where(nearest == index, 255, 0).astype(np.uint8) for index in range(count)]
    if any(not one.any() for one in masks):
        raise InputError(f"the mask has no clear grey levels for {count} styles")
    return masks


def own_masks(masks: Sequence[Image], count: int) -> list[Image]:
    """Checks one mask per style: white where the style is used, black where it is not, grey for a share.

    Args:
        masks: uint8 [H, W] or [H, W, 3].
        count: Number of styles.

    Returns:
        uint8 [H, W] each. Where all masks are black, only the content term applies.

    Raises:
        InputError: The numbers of masks and styles differ, or a mask is completely black.
    """
    if len(masks) != count:
        raise InputError(
            f"{len(masks)} style masks for {count} styles: give one per style, in the same order"
        )
    grey = [mask if mask.ndim == 2 else as_image(cv2.cvtColor(mask, cv2.COLOR_BGR2GRAY)) for mask in masks]
    for number, one in enumerate(grey, 1):
        if not one.any():
            raise InputError(f"style mask {number} is black: its style would not be visible")
    return grey


def _main_levels(values: Image, frequencies: NDArray[np.intp], count: int) -> Image:
    """The most frequent grey levels, at least 8 apart if possible (JPEG spreads each level a little)."""
    chosen: list[int] = []
    order = values[np.argsort(-frequencies, kind="stable")]
    for distance in (8, 1):
        for value in order:
            if len(chosen) < count and all(abs(int(value) - other) >= distance for other in chosen):
                chosen.append(int(value))
    return np.array(chosen, dtype=np.uint8)


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
