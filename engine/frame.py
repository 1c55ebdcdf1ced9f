"""Pictures: the frame that travels through the runtime, and reading and writing picture files.

Every picture in artrt is uint8 [H, W, 3] in BGR, the order of OpenCV.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import InputError, OutputError, UnsupportedImageError
from .files import write_bytes

Image = NDArray[np.uint8]

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
JPEG_QUALITY = 95


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source, and when it belongs.

    Args:
        image: uint8 [H, W, 3], BGR.
        index: Number of the frame in its source, from 0; dropped frames leave gaps.
        time_seconds: Presentation time in the source.
        captured_seconds: `time.monotonic()` at capture; 0 when unknown.
        alpha: Transparency, uint8 [H, W], or None; not painted, but kept where the output can.
    """

    image: Image
    index: int = 0
    time_seconds: float = 0.0
    captured_seconds: float = 0.0
    alpha: Image | None = None

    def __post_init__(self) -> None:
        """Checks rank and type of the picture."""
        check_image(self.image)

    def __repr__(self) -> str:
        """Shapes instead of pixels."""
        height, width, _ = self.image.shape
        return f"Frame({width}x{height}, index={self.index}, time_seconds={self.time_seconds:.3f})"


def check_image(image: Image) -> Image:
    """Returns `image` when it is uint8 [H, W, 3] and not empty.

    Raises:
        UnsupportedImageError: It is something else; the message says what came and the likely slip.
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


def read_image(path: str | os.PathLike[str]) -> Image:
    """Reads a picture file as BGR; grey is spread, 16 bit rounded, alpha dropped, EXIF orientation applied.

    Args:
        path: A JPEG, PNG, WebP, BMP or TIFF file.

    Returns:
        uint8 [H, W, 3], BGR.

    Raises:
        InputError: The file is missing, empty, or not a readable picture.
    """
    return read_image_with_alpha(path)[0]


def read_image_with_alpha(path: str | os.PathLike[str]) -> tuple[Image, Image | None]:
    """Like `read_image`, and gives the alpha channel as uint8 [H, W], or None when there is none."""
    return _normal(_decode(_file_bytes(Path(path)), str(path)), str(path))


def decode_image(data: bytes) -> tuple[Image, Image | None]:
    """The picture in the bytes of a file, uint8 [H, W, 3] BGR, and its alpha, uint8 [H, W], or None.

    Raises:
        InputError: The bytes are not a picture.
    """
    return _normal(_decode(np.frombuffer(data, np.uint8), "these bytes"), "these bytes")


def _normal(picture: NDArray[Any], name: str) -> tuple[Image, Image | None]:
    """Colours as uint8 [H, W, 3] BGR and alpha as uint8 [H, W] or None, of what OpenCV decoded."""
    if picture.dtype == np.uint16:
        picture = ((picture.astype(np.uint32) + 128) // 257).astype(np.uint8)
    elif picture.dtype.kind == "f":
        picture = (np.nan_to_num(picture).clip(0, 1) * 255).round().astype(np.uint8)
    if picture.dtype != np.uint8:
        raise UnsupportedImageError(f"{name}: pixels of type {picture.dtype} are not supported")
    if picture.ndim == 2:
        return np.repeat(picture[:, :, None], 3, axis=2), None
    if picture.shape[2] == 4:
        return np.ascontiguousarray(picture[:, :, :3]), np.ascontiguousarray(picture[:, :, 3])
    if picture.shape[2] == 3:
        return picture, None
    raise UnsupportedImageError(f"{name}: {picture.shape[2]} channels, expected 1, 3 or 4")


def write_image(path: str | os.PathLike[str], image: Image, *, alpha: Image | None = None) -> None:
    """Writes a picture whole or not at all; the suffix chooses the format.

    Args:
        path: Target with a suffix of `IMAGE_SUFFIXES`; missing folders are made.
        image: uint8 [H, W, 3], BGR.
        alpha: uint8 [H, W], or None. Formats without transparency (JPEG, BMP) drop it.

    Raises:
        OutputError: Unknown suffix, or the file cannot be written.
        UnsupportedImageError: `image` is not a picture.
    """
    try:
        data = encode_image(image, Path(path).suffix, alpha=alpha)
    except OutputError as error:
        raise OutputError(f"cannot write {path}: {error}") from error
    write_bytes(path, data)


def encode_image(image: Image, suffix: str, *, alpha: Image | None = None) -> bytes:
    """The bytes of a picture file.

    Args:
        image: uint8 [H, W, 3], BGR.
        suffix: One of `IMAGE_SUFFIXES`: the format.
        alpha: uint8 [H, W], or None. Formats without transparency (JPEG, BMP) drop it.

    Raises:
        OutputError: Unknown suffix, or the picture cannot be encoded.
        UnsupportedImageError: `image` is not a picture.
    """
    check_image(image)
    suffix = suffix.lower()
    if suffix not in IMAGE_SUFFIXES:
        raise OutputError(f"unknown picture format '{suffix}'; {_FORMATS}")
    if alpha is not None and suffix in _ALPHA_SUFFIXES:
        image = np.dstack([image, alpha])
    settings = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix in {".jpg", ".jpeg"} else []
    try:
        done, encoded = cv2.imencode(suffix, image, settings)
    except cv2.error as error:
        raise OutputError(_reason(error)) from error
    if not done:
        raise OutputError(f"OpenCV could not encode {image.shape[1]}x{image.shape[0]} pixels")
    return bytes(encoded.tobytes())


def keeps_alpha(path: str | os.PathLike[str]) -> bool:
    """Whether files of this suffix can be transparent."""
    return Path(path).suffix.lower() in _ALPHA_SUFFIXES


def _file_bytes(path: Path) -> NDArray[np.uint8]:
    if path.is_dir():
        raise InputError(f"{path} is a folder, expected a picture file")
    try:
        return np.fromfile(path, dtype=np.uint8)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


def _decode(data: NDArray[np.uint8], name: str) -> NDArray[Any]:
    """The picture as the file has it: 1, 3 or 4 channels of 8, 16 or 32 bits, upright."""
    if data.size == 0:
        raise InputError(f"cannot read {name}: the file is empty")
    head = data[:65536].tobytes()
    upright = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH  # applies the orientation, drops transparency
    turned = b"eXIf" in head or b"EXIF" in head
    try:
        picture = cv2.imdecode(data, upright if head.startswith(_JPEG_MAGIC) else cv2.IMREAD_UNCHANGED)
        if picture is not None and turned and (picture.ndim == 2 or picture.shape[2] == 3):
            picture = cv2.imdecode(data, upright)
    except cv2.error as error:
        raise InputError(f"cannot read {name}: {_reason(error)}") from error
    if picture is None or picture.size == 0:
        raise InputError(f"cannot read {name}: not a picture that can be decoded ({_FORMATS})")
    return picture


def _reason(error: cv2.error) -> str:
    return str(getattr(error, "err", None) or error).strip().splitlines()[-1]


_JPEG_MAGIC = b"\xff\xd8\xff"
_ALPHA_SUFFIXES = frozenset({".png", ".webp", ".tif", ".tiff"})
_FORMATS = "formats: JPEG, PNG, WebP, BMP, TIFF"


def as_image(array: Any) -> Image:
    """The same array for the type checker: OpenCV's functions do not say that uint8 stays uint8."""
    image: Image = array
    return image
