"""Decodes picture files: by OpenCV where it is correct and fast, else by Pillow.

Pillow reads the header: kind, depth, profile, orientation, EXIF, number of pictures
  ├─ one picture that OpenCV reads as it should ─► OpenCV ─┐
  └─ GIF, AVIF, JPEG 2000, animations, pages,              ├─► 8 bit ─► sRGB ─► colours and alpha
     TIFF with alpha, palettes and keys with alpha,        │
     turned pictures with alpha, CMYK with a profile ─► Pillow
"""

from __future__ import annotations

import io
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import ImageOps, UnidentifiedImageError

from ..errors import InputError
from .about import orientation_of, without_warnings
from .array import Image, as_image, eight_bit, split_alpha
from .colour import colour_space, srgb_of, srgb_of_cmyk
from .formats import FORMATS, KINDS
from .heif import KIND as HEIF
from .heif import is_heif, prepare

KNOWN = (*dict.fromkeys(KINDS.values()), "MPO", "DIB")
BY_OPENCV = frozenset({"JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "DIB", "PPM"})
MOST_PIXELS = 2**30  # as OpenCV has it
_PIXEL_LIMIT = "OPENCV_IO_MAX_IMAGE_PIXELS"
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    EOFError,
    struct.error,
    OverflowError,
)
_lock = threading.Lock()


def header_of(data: bytes, name: str) -> Pil.Image | None:
    """Opens a file with Pillow without decoding pixels; None when only OpenCV may be able to read it.

    Raises:
        InputError: It has too many pixels, or no installed library reads its format.
    """
    known = KNOWN
    if is_heif(data):
        prepare(name)
        known = (HEIF,)
    try:
        with _own_pixel_limit(), without_warnings():
            header = Pil.open(io.BytesIO(data), formats=known)
    except (UnidentifiedImageError, *_BROKEN):
        return None
    width, height = header.size
    most = int(os.environ.get(_PIXEL_LIMIT) or MOST_PIXELS)
    if width * height > most:
        raise InputError(f"cannot read {name}: {width}x{height} pixels are too many: up to {most}")
    return header


def decode(data: bytes, header: Pil.Image | None, name: str) -> tuple[Image, Image | None]:
    """The first picture of a file: uint8 [H, W, 3], BGR, and its alpha, uint8 [H, W] or None.

    Raises:
        InputError: It cannot be decoded.
    """
    if header is not None and not _suits_opencv(header):
        with reading(name):
            return of_pillow(header, name)
    pixels = _by_opencv(data, header, name)
    key = header.info.get("transparency") if header is not None and header.mode.startswith("I") else None
    alpha = None
    if isinstance(key, int) and pixels.ndim == 2 and pixels.dtype == np.uint16:
        alpha = np.where(pixels == key, np.uint8(0), np.uint8(255))
    small: Image = eight_bit(pixels, name)
    profile = None if header is None else header.info.get("icc_profile")
    if small.ndim == 2 or small.shape[2] == 3:
        return split_alpha(srgb_of(small, profile), name)[0], alpha
    colours, alpha = split_alpha(small, name)
    return srgb_of(colours, profile), alpha


def of_pillow(picture: Pil.Image, name: str) -> tuple[Image, Image | None]:
    """Decodes by Pillow, upright and in sRGB: uint8 [H, W, 3], BGR, and alpha, uint8 [H, W] or None."""
    profile = picture.info.get("icc_profile")
    upright = ImageOps.exif_transpose(picture)
    if upright.mode[0] in "IF":
        return split_alpha(eight_bit(np.asarray(upright), name), name)
    if upright.mode == "CMYK":
        upright, profile = srgb_of_cmyk(upright, profile), None
    transparent = upright.has_transparency_data
    pixels = np.asarray(upright.convert("RGBA" if transparent else "RGB"))
    colours = srgb_of(as_image(cv2.cvtColor(pixels[:, :, :3], cv2.COLOR_RGB2BGR)), profile)
    alpha = np.ascontiguousarray(pixels[:, :, 3]) if transparent else None
    return colours, None if alpha is None or alpha.min() == 255 else alpha


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turns all errors of Pillow into InputError.

    Raises:
        InputError: Pillow failed.
    """
    try:
        with without_warnings():
            yield
    except _BROKEN as error:
        raise InputError(f"cannot read {name}: {_reason(error)}") from error
    except MemoryError as error:
        raise InputError(f"cannot read {name}: it takes more memory than there is") from error


def _suits_opencv(header: Pil.Image) -> bool:
    """Whether OpenCV decodes the first picture correctly."""
    if header.format not in BY_OPENCV or _is_moving(header):
        return False
    if header.mode == "CMYK":
        profile = header.info.get("icc_profile")
        return not profile or colour_space(profile) != "CMYK"
    if header.mode[0] in "IF" or not header.has_transparency_data:
        return True
    if header.format == "TIFF" or header.mode not in ("RGBA", "LA"):
        return False
    return orientation_of(header) == 1


def _is_moving(header: Pil.Image) -> bool:
    return header.format in ("PNG", "WEBP", "TIFF") and getattr(header, "is_animated", False)


def _by_opencv(data: bytes, header: Pil.Image | None, name: str) -> NDArray[Any]:
    """The pixels as stored: 1, 3 or 4 channels of 8, 16 or 32 bits, upright."""
    if not data:
        raise InputError(f"cannot read {name}: the file is empty")
    given = np.frombuffer(data, np.uint8)
    upright = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH  # applies the orientation, drops transparency
    try:
        picture = cv2.imdecode(given, upright if data.startswith(_JPEG_MAGIC) else cv2.IMREAD_UNCHANGED)
        turned = header is not None and header.format != "TIFF" and orientation_of(header) != 1
        if picture is not None and turned and (picture.ndim == 2 or picture.shape[2] == 3):
            picture = cv2.imdecode(given, upright)
    except cv2.error as error:
        raise InputError(f"cannot read {name}: {opencv_reason(error)}") from error
    if picture is None or picture.size == 0:
        raise InputError(f"cannot read {name}: not a picture that can be decoded ({FORMATS})")
    return picture


@contextmanager
def _own_pixel_limit() -> Iterator[None]:
    """Disables Pillow's global pixel limit while a header is read: `header_of` has its own limit."""
    with _lock:
        before, Pil.MAX_IMAGE_PIXELS = Pil.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Pil.MAX_IMAGE_PIXELS = before


def opencv_reason(error: cv2.error) -> str:
    """OpenCV's error message without the location in its source code."""
    return str(getattr(error, "err", None) or error).strip().splitlines()[-1]


def _reason(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else "the file is damaged or cut off"


_JPEG_MAGIC = b"\xff\xd8\xff"
