"""Masks that say where each of several styles is painted.

Source: Gatys et al., "Controlling perceptual factors in neural style transfer", CVPR 2017 (arXiv:1611.07865).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ...engine.errors import InputError
from ...engine.frame import Image, as_image


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
