"""Converts the kinds of pictures that a `Stylizer` accepts to arrays, and the painting back to the same kind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ..frame import Frame, Image, as_image, encode_image, read_image
from ..pictures.reading import PictureFile
from ..result import Result

if TYPE_CHECKING:
    from PIL.Image import Image as PilImage

Back = Callable[[Image], Any]
"""Converts a painting, uint8 [H, W, 3] BGR, back to the kind of the input."""


def converted(picture: Any, *, rgb: bool = False) -> tuple[Image, Back]:
    """Converts a picture to an array, and returns a function that converts the painting back.

    Args:
        picture: uint8 [H, W, 3], a `Frame`, the bytes of a picture file, its path, or a PIL image.
        rgb: Whether arrays are RGB instead of BGR.

    Returns:
        uint8 [H, W, 3], BGR, and a function from such an array to: an array, a `Frame` with the same times, the bytes
        of a file of the same format, a `Result`, or a PIL image.

    Raises:
        InputError: A file that cannot be read.
        UnsupportedImageError: The bytes are not a picture.
    """
    if isinstance(picture, Frame):
        return picture.image, lambda image: replace(picture, image=image)
    if isinstance(picture, (bytes, bytearray, memoryview)):
        return _of_bytes(bytes(picture))
    if isinstance(picture, (str, os.PathLike)):
        return _of_path(picture)
    if type(picture).__module__.startswith("PIL."):
        return _of_pil(picture)
    if rgb and isinstance(picture, np.ndarray) and picture.ndim == 3:
        return np.ascontiguousarray(picture[:, :, ::-1]), lambda image: np.ascontiguousarray(
            image[:, :, ::-1]
        )
    return picture, lambda image: image


def _of_bytes(data: bytes) -> tuple[Image, Back]:
    file = PictureFile(data, "these bytes")
    still, about = file.first(), file.about()
    return still.image, lambda painting: encode_image(painting, file.suffix, alpha=still.alpha, about=about)


def _of_path(path: str | os.PathLike[str]) -> tuple[Image, Back]:
    image, started = read_image(path), time.monotonic()
    frame = Frame(image, captured_seconds=started)
    return image, lambda painting: Result(frame, painting, latency_ms=(time.monotonic() - started) * 1e3)


def _of_pil(picture: PilImage) -> tuple[Image, Back]:
    from PIL import Image as Pil

    alpha = picture.getchannel("A") if picture.mode in ("RGBA", "LA") else None

    def back(painting: Image) -> PilImage:
        result = Pil.fromarray(cv2.cvtColor(painting, cv2.COLOR_BGR2RGB))
        if alpha is not None:
            result.putalpha(alpha)
        return result

    return as_image(cv2.cvtColor(np.asarray(picture.convert("RGB")), cv2.COLOR_RGB2BGR)), back
