"""The picture format of the runtime: uint8 [H, W, 3] in BGR, OpenCV's order."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import UnsupportedImageError

Image = NDArray[np.uint8]
_WIDEST_16_BIT = 65535


def check_image(image: Image) -> Image:
    """Returns `image` if it is uint8 [H, W, 3] and not empty.

    Raises:
        UnsupportedImageError: It is something else; the message says what arrived and the likely mistake.
    """
    if not isinstance(image, np.ndarray):
        raise UnsupportedImageError(f"a picture is a uint8 array [H, W, 3] (BGR), got {type(image).__name__}")
    if image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size > 0:
        return image
    hint = ""
    if image.dtype != np.uint8 and image.dtype.kind == "f":
        hint = "; floats in [0, 1] become uint8 by (image * 255).round().astype('uint8')"
    elif image.ndim == 2:
        hint = "; a grey picture becomes BGR by cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)"
    elif image.ndim == 3 and image.shape[0] == 3 and image.shape[2] != 3:
        hint = "; channels come last: image.transpose(1, 2, 0)"
    elif image.ndim == 4:
        hint = "; pictures go in one by one, without a batch dimension"
    raise UnsupportedImageError(
        f"a picture is uint8 [H, W, 3] (BGR), got {image.dtype} {list(image.shape)}{hint}"
    )


def as_image(array: Any) -> Image:
    """Casts for the type checker: OpenCV's annotations do not say that uint8 stays uint8."""
    image: Image = array
    return image


def reduced(image: Image, *, long_side_px: int) -> Image:
    """Reduces a picture, uint8 [H, W, 3], to a long side of at most `long_side_px`; never enlarges."""
    height, width = image.shape[:2]
    scale = long_side_px / max(height, width)
    if scale >= 1:
        return np.ascontiguousarray(image)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return as_image(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def eight_bit(pixels: NDArray[Any], name: str) -> Image:
    """Converts pixels of any depth to uint8 of the same shape.

    Args:
        pixels: uint8; uint16, full range; int32, Pillow's type for 16 bits; or floats, clipped to [0, 1].
        name: What the error calls them.

    Raises:
        UnsupportedImageError: Another type.
    """
    if pixels.dtype == np.int32:
        pixels = pixels.clip(0, _WIDEST_16_BIT).astype(np.uint16)
    if pixels.dtype == np.uint16:
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif pixels.dtype.kind == "f":
        pixels = (np.nan_to_num(pixels).clip(0, 1) * 255).round().astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise UnsupportedImageError(f"{name}: pixels of type {pixels.dtype} are not supported")
    return pixels


def split_alpha(pixels: Image, name: str) -> tuple[Image, Image | None]:
    """Splits pixels into colours, uint8 [H, W, 3] BGR, and alpha, uint8 [H, W] or None.

    Args:
        pixels: uint8 [H, W], [H, W, 3] or [H, W, 4].
        name: What the error calls them.

    Raises:
        UnsupportedImageError: Another number of channels.
    """
    if pixels.ndim == 2:
        return np.repeat(pixels[:, :, None], 3, axis=2), None
    if pixels.shape[2] == 4:
        return np.ascontiguousarray(pixels[:, :, :3]), np.ascontiguousarray(pixels[:, :, 3])
    if pixels.shape[2] == 3:
        return pixels, None
    raise UnsupportedImageError(f"{name}: {pixels.shape[2]} channels, expected 1, 3 or 4")
