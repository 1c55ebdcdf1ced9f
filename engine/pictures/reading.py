"""Reads picture files: one picture, or all pictures of an animation or of a file with pages."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image as Pil

from ..errors import InputError
from .about import NOTHING, About, about_of
from .array import Image
from .decoding import decode, header_of, of_pillow, reading
from .formats import MOVING, PAGED, SUFFIX_OF, kind_of

STANDARD_INPUT = frozenset({"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})
DEFAULT_SECONDS = 0.1  # how long browsers show a frame that has no duration
LEAST_SECONDS = 0.011


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """One picture of a file.

    Args:
        image: uint8 [H, W, 3], BGR, upright, in sRGB.
        alpha: uint8 [H, W], or None when everything is opaque.
        seconds: Duration of a frame of an animation; 0 for a page or a single picture.
    """

    image: Image
    alpha: Image | None = None
    seconds: float = 0.0


class PictureFile:
    """An open picture file.

    Args:
        data: The bytes of the file.
        name: What errors call it.

    Raises:
        InputError: It has too many pixels.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self._data, self.name = data, name
        self._header = header_of(data, name)
        self._first = 0
        self.count = 1
        header = self._header
        if header is not None and header.format in MOVING | PAGED:
            with reading(name):
                self._first = int(getattr(header, "default_image", False))
                self.count = int(getattr(header, "n_frames", 1)) - self._first

    @property
    def moving(self) -> bool:
        """Whether it is an animation."""
        return self.count > 1 and self._header is not None and self._header.format in MOVING

    @property
    def size_bytes(self) -> int:
        """Length of the file."""
        return len(self._data)

    @property
    def suffix(self) -> str:
        """The suffix of its format, by content; .png for a format that only OpenCV reads."""
        return SUFFIX_OF.get(self._header.format or "", ".png") if self._header is not None else ".png"

    @property
    def plays(self) -> int:
        """How often an animation is played; 0 means for ever."""
        loop = self._header.info.get("loop") if self._header is not None else 0
        if self._header is not None and self._header.format == "GIF":
            return 1 if loop is None else loop + 1 if loop else 0
        return int(loop or 0)

    def about(self) -> About:
        """The file's metadata."""
        return NOTHING if self._header is None else about_of(self._header)

    def first(self) -> Still:
        """The first picture.

        Raises:
            InputError: It cannot be decoded.
        """
        return Still(*decode(self._data, self._header, self.name))

    def stills(self) -> Iterator[Still]:
        """All pictures, one after another.

        Raises:
            InputError: One cannot be decoded.
        """
        if self.count == 1 or self._header is None:
            yield self.first()
            return
        for number in range(self._first, self._first + self.count):
            with reading(self.name):
                still = self._at(self._header, number)
            yield still

    def _at(self, header: Pil.Image, number: int) -> Still:
        header.seek(number)
        header.load()
        image, alpha = of_pillow(header, self.name)
        if not self.moving:
            return Still(image, alpha)
        seconds = float(header.info.get("duration") or 0) / 1000
        return Still(image, alpha, seconds if seconds >= LEAST_SECONDS else DEFAULT_SECONDS)


def open_picture(path: str | os.PathLike[str]) -> PictureFile:
    """Opens a picture file; "-" and /dev/stdin are the standard input.

    Raises:
        InputError: The file is missing or unreadable, or has too many pixels.
    """
    return PictureFile(_bytes_of(path), os.fspath(path))


def read_image(path: str | os.PathLike[str]) -> Image:
    """Reads a picture file as 8-bit BGR in sRGB; drops alpha and applies the EXIF orientation.

    Args:
        path: A JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF, JPEG 2000 or PPM file; the first picture if it has several.

    Returns:
        uint8 [H, W, 3], BGR.

    Raises:
        InputError: The file is missing, empty, or not a readable picture.
    """
    return open_picture(path).first().image


def read_image_with_alpha(path: str | os.PathLike[str]) -> tuple[Image, Image | None]:
    """Like `read_image`, but also returns the alpha channel, uint8 [H, W], or None when there is none."""
    still = open_picture(path).first()
    return still.image, still.alpha


def decode_image(data: bytes) -> tuple[Image, Image | None]:
    """Decodes the bytes of a picture file: uint8 [H, W, 3] BGR, and its alpha, uint8 [H, W], or None.

    Raises:
        InputError: The bytes are not a picture.
    """
    still = PictureFile(data, "these bytes").first()
    return still.image, still.alpha


def is_moving(path: str | os.PathLike[str]) -> bool:
    """Whether a file is an animation; False for a file that cannot be read."""
    if kind_of(path) not in MOVING or not Path(path).is_file():
        return False
    try:
        return open_picture(path).moving
    except InputError:
        return False


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Whether a path is the standard input or a pipe of the shell: it has no suffix and can be read once."""
    return os.fspath(path) in STANDARD_INPUT or Path(path).is_fifo()


def _bytes_of(path: str | os.PathLike[str]) -> bytes:
    if os.fspath(path) in STANDARD_INPUT:
        return sys.stdin.buffer.read()
    if Path(path).is_dir():
        raise InputError(f"{path} is a folder, expected a picture file")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
