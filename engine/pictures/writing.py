"""Writes picture files atomically: by OpenCV where it can, else by Pillow."""

from __future__ import annotations

import io
import os
import struct
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pil
from PIL.PngImagePlugin import PngInfo

from ..errors import OutputError
from ..files import write_bytes
from .about import NOTHING, About
from .array import Image, check_image
from .decoding import opencv_reason
from .formats import FORMATS, KINDS, TRANSPARENT
from .reading import Still

STANDARD_OUTPUT = frozenset({"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"})
JPEG_QUALITY = 95
MOVING_QUALITY = 90
BY_OPENCV = frozenset({"JPEG", "PNG", "WEBP", "TIFF", "BMP", "PPM"})
_XMP_IN_TIFF, _XMP_IN_PNG = 700, "XML:com.adobe.xmp"
_START_OF_JPEG, _APP1, _COMMENT = b"\xff\xd8", b"\xff\xe1", b"\xff\xfe"


def write_image(
    path: str | os.PathLike[str], image: Image, *, alpha: Image | None = None, about: About = NOTHING
) -> None:
    """Writes a picture atomically; the suffix chooses the format.

    Args:
        path: Target with a suffix of `IMAGE_SUFFIXES`; missing folders are created.
        image: uint8 [H, W, 3], BGR.
        alpha: uint8 [H, W], or None. Formats without transparency (JPEG, BMP) drop it.
        about: Metadata of the file.

    Raises:
        OutputError: Unknown suffix, or the file cannot be written.
        UnsupportedImageError: `image` is not a picture.
    """
    write_stills(path, [Still(image, alpha)], about=about)


def write_stills(
    path: str | os.PathLike[str],
    stills: Sequence[Still],
    *,
    plays: int = 0,
    about: About = NOTHING,
    suffix: str | None = None,
) -> None:
    """Writes one or several pictures to a file, atomically; "-" and /dev/stdout are the standard output.

    Args:
        path: Target; missing folders are created.
        stills: One picture, the frames of an animation, or pages.
        plays: How often an animation is played; 0 means for ever.
        about: Metadata of the file.
        suffix: The format, if it is not the one of `path`.

    Raises:
        OutputError: Unknown suffix, a format that holds only one picture, or the file cannot be written.
    """
    try:
        data = encode_stills(stills, suffix or Path(path).suffix, plays=plays, about=about)
    except OutputError as error:
        raise OutputError(f"cannot write {path}: {error}") from error
    write_data(path, data)


def write_data(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes the bytes of a file atomically; "-" and /dev/stdout are the standard output.

    Raises:
        OutputError: They cannot be written.
    """
    if os.fspath(path) not in STANDARD_OUTPUT:
        write_bytes(path, data)
        return
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise OutputError(f"cannot write to the standard output: {error.strerror or error}") from error


def encode_image(image: Image, suffix: str, *, alpha: Image | None = None, about: About = NOTHING) -> bytes:
    """Encodes a picture as the bytes of a file.

    Args:
        image: uint8 [H, W, 3], BGR.
        suffix: One of `IMAGE_SUFFIXES`: the format.
        alpha: uint8 [H, W], or None. Formats without transparency (JPEG, BMP) drop it.
        about: Metadata of the file.

    Raises:
        OutputError: Unknown suffix, or the picture cannot be encoded.
        UnsupportedImageError: `image` is not a picture.
    """
    return encode_stills([Still(image, alpha)], suffix, about=about)


def encode_stills(stills: Sequence[Still], suffix: str, *, plays: int = 0, about: About = NOTHING) -> bytes:
    """Encodes one or several pictures as the bytes of a file; see `write_stills`."""
    for still in stills:
        check_image(still.image)
    kind = KINDS.get(suffix.lower())
    if kind is None:
        raise OutputError(f"unknown picture format '{suffix}'; {FORMATS}")
    if kind not in TRANSPARENT:
        stills = [Still(still.image, None, still.seconds) for still in stills]
    (first, *more) = stills
    if kind == "JPEG" and not more:
        return _with_blocks(_by_opencv(first, ".jpg"), about)
    plain = not more and not about and not (kind == "TIFF" and first.alpha is not None)
    if kind in BY_OPENCV and plain:
        return _by_opencv(first, suffix.lower().replace("apng", "png"))
    return _by_pillow(stills, kind, plays, about)


def _by_opencv(still: Still, suffix: str) -> bytes:
    image = still.image if still.alpha is None else np.dstack([still.image, still.alpha])
    settings = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix == ".jpg" else []
    if suffix == ".pgm":
        image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    try:
        done, encoded = cv2.imencode(suffix, image, settings)
    except cv2.error as error:
        raise OutputError(opencv_reason(error)) from error
    if not done:
        raise OutputError(f"OpenCV could not encode {image.shape[1]}x{image.shape[0]} pixels")
    return bytes(encoded.tobytes())


def _with_blocks(jpeg: bytes, about: About) -> bytes:
    """Inserts metadata into a JPEG, as blocks after its first two bytes."""
    blocks = [(_APP1, about.exif)]
    blocks += [(_APP1, b"http://ns.adobe.com/xap/1.0/\0" + about.xmp)] if about.xmp else []
    blocks += [(_COMMENT, about.comment.encode())]
    written = b"".join(mark + struct.pack(">H", len(data) + 2) + data for mark, data in blocks if data)
    return _START_OF_JPEG + written + jpeg[len(_START_OF_JPEG) :]


def _by_pillow(stills: Sequence[Still], kind: str, plays: int, about: About) -> bytes:
    first, *more = (_pillow_of(still) for still in stills)
    settings = _ENCODING.get(kind, {}) | described(kind, about)
    if more:
        settings |= {"save_all": True, "append_images": more}
        settings |= _timed(kind, stills, plays) if stills[0].seconds else {}
    buffer = io.BytesIO()
    try:
        first.save(buffer, kind, **settings)
    except (OSError, ValueError, KeyError, RuntimeError, struct.error, SystemError) as error:
        raise OutputError(str(error) or type(error).__name__) from error
    return buffer.getvalue()


_ENCODING: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 3},
    "TIFF": {"compression": "tiff_lzw"},
    "AVIF": {"quality": MOVING_QUALITY},
    "WEBP": {"lossless": True},
}


def described(kind: str, about: About) -> dict[str, Any]:
    """Pillow's options that write the metadata."""
    settings: dict[str, Any] = {}
    if kind in ("PNG", "WEBP", "AVIF") and about.exif:
        settings["exif"] = about.exif
    if kind in ("WEBP", "AVIF") and about.xmp:
        settings["xmp"] = about.xmp
    if kind == "TIFF" and about:
        settings["exif"] = block = Pil.Exif()
        block.load(about.exif)
        settings["compression"] = "raw" if about.exif else "tiff_lzw"  # libtiff cannot write nested blocks
        if about.xmp:
            block[_XMP_IN_TIFF] = about.xmp
    if kind == "PNG" and (about.xmp or about.texts):
        settings["pnginfo"] = info = PngInfo()
        for key, text in about.texts:
            info.add_itxt(key, text)
        if about.xmp:
            info.add_itxt(_XMP_IN_PNG, about.xmp.decode("utf-8", "replace"))
    if kind == "GIF" and about.comment:
        settings["comment"] = about.comment.encode()[:255]
    return settings


def _timed(kind: str, stills: Iterable[Still], plays: int) -> dict[str, Any]:
    """Pillow's options for an animation: duration of every frame in milliseconds, and number of plays."""
    settings: dict[str, Any] = {"duration": [round(still.seconds * 1000) for still in stills]}
    if kind == "GIF":  # GIF stores the number of repetitions
        settings |= {"disposal": 2} | ({} if plays == 1 else {"loop": max(plays - 1, 0)})
    elif kind in ("PNG", "WEBP"):
        settings["loop"] = plays
    if kind == "WEBP":
        settings |= {"lossless": False, "quality": MOVING_QUALITY}
    return settings


def _pillow_of(still: Still) -> Pil.Image:
    if still.alpha is None:
        return Pil.fromarray(cv2.cvtColor(still.image, cv2.COLOR_BGR2RGB))
    return Pil.fromarray(np.dstack([cv2.cvtColor(still.image, cv2.COLOR_BGR2RGB), still.alpha]))
