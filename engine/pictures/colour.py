"""Colour profiles: converts pixels of any ICC profile to sRGB, by LittleCMS."""

from __future__ import annotations

import io
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image as Pil
from PIL import ImageCms

from .array import Image, as_image

# A profile that changes no colour by more than this many levels of 255 counts as sRGB.
SAME_LEVELS = 2
_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def srgb_of(pixels: Image, profile: bytes | None) -> Image:
    """Converts pixels from a profile to sRGB.

    Args:
        pixels: uint8 [H, W] or [H, W, 3], BGR.
        profile: An ICC profile for grey or RGB; None, damaged profiles and other colour spaces change nothing.

    Returns:
        `pixels` itself when they are sRGB, else uint8 [H, W, 3], BGR.
    """
    space = colour_space(profile) if profile else None
    if profile is None or space not in ("RGB", "L"):
        return pixels
    conversion = _conversion(profile, space)
    if conversion is None:
        return pixels
    if space == "L":
        grey = pixels if pixels.ndim == 2 else pixels[:, :, 1]
        source = Pil.fromarray(np.ascontiguousarray(grey))
    elif pixels.ndim == 2:
        source = Pil.fromarray(pixels).convert("RGB")
    else:
        source = Pil.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
    return as_image(cv2.cvtColor(np.asarray(conversion.apply(source)), cv2.COLOR_RGB2BGR))


def srgb_of_cmyk(picture: Pil.Image, profile: bytes | None) -> Pil.Image:
    """Converts CMYK to RGB: by the profile, or without one by multiplying the inks."""
    conversion = _conversion(profile, "CMYK") if profile and colour_space(profile) == "CMYK" else None
    return picture.convert("RGB") if conversion is None else conversion.apply(picture)


@lru_cache(maxsize=32)
def colour_space(profile: bytes) -> str | None:
    """Pillow's pixel mode for a profile: "RGB", "L" or "CMYK"; None for other and damaged profiles."""
    try:
        space = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip()
    except (OSError, ValueError, ImageCms.PyCMSError):
        return None
    return _MODES.get(space)


@lru_cache(maxsize=32)
def _conversion(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The conversion to sRGB; None when none is needed or the profile is damaged."""
    try:
        conversion = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"), mode, "RGB"
        )
    except (OSError, ValueError, ImageCms.PyCMSError):
        return None
    if mode == "CMYK":
        return conversion
    levels = np.linspace(0, 255, 18).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 18, 3)
    sample = Pil.fromarray(colours if mode == "RGB" else colours[..., 0])
    moved = np.asarray(conversion.apply(sample)).astype(int) - np.asarray(sample.convert("RGB"))
    return conversion if np.abs(moved).max() > SAME_LEVELS else None
