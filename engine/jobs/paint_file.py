"""Paints one picture file into another: a picture, animation or pages; keeps transparency and metadata."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ..errors import InputError
from ..frame import Image
from ..pictures.about import NOTHING, About
from ..pictures.formats import KINDS, TRANSPARENT, keeps_several
from ..pictures.reading import PictureFile, Still
from ..pictures.writing import STANDARD_OUTPUT, write_stills
from ..sessions.limits import available_memory_bytes
from ..sources.base import Size, scaled

# Measured for `small` in ONNX Runtime at 8000x8000, including reading and writing.
NETWORK_BYTES_PER_PIXEL = 134
# All pictures of an animation are kept until its end, with colours and alpha, as an array and as a Pillow picture.
KEPT_BYTES_PER_PIXEL = 8
_DESCRIBED = frozenset({"JPEG", "PNG", "WEBP", "TIFF", "AVIF"})

Facts = tuple[int, int, int, tuple[str, ...]]
"""(width, height, number of pictures, notes)."""


class Painter(Protocol):
    """The interface that a job needs: a function from picture to picture that can be reset."""

    def __call__(self, image: Image, /) -> Image:
        """Paints one picture."""
        ...

    def reset(self) -> None:
        """Starts a new scene."""
        ...


def paint_file(
    file: PictureFile,
    output: Path,
    painter: Painter,
    *,
    size: Size | None = None,
    keep_metadata: bool = True,
) -> Facts:
    """Paints all pictures of a file into another, written atomically.

    Args:
        file: The input.
        output: The suffix chooses the format; "-" is the standard output, in the input's format.
        painter: Paints the pictures; it is reset before every page, not between the frames of an animation.
        size: Scale the pictures first.
        keep_metadata: Keep date, place, camera, title and similar metadata.

    Raises:
        InputError: A picture cannot be read, or there is too little memory.
        OutputError: The output cannot be written.
    """
    suffix = output_suffix(file, output)
    several = file.count > 1 and keeps_several(suffix, moving=file.moving)
    painted: list[Still] = []
    opaque = True
    for still in file.stills() if several else [file.first()]:
        image = scaled(still.image, size)
        _require_memory(file, image, pictures=file.count if several else 1)
        if not file.moving:
            painter.reset()
        opaque &= still.alpha is None or bool(still.alpha.min() == 255)
        alpha = None if still.alpha is None else scaled(still.alpha, size)
        painted.append(Still(painter(image), alpha, still.seconds))
    about = file.about() if keep_metadata else NOTHING
    write_stills(output, painted, plays=file.plays, about=about, suffix=suffix)
    height, width = painted[0].image.shape[:2]
    return width, height, len(painted), _lost(file, suffix, about, opaque=opaque, several=several)


def output_suffix(file: PictureFile, output: Path) -> str:
    """The suffix that chooses the format: the output's, or the input's for the standard output."""
    return file.suffix if str(output) in STANDARD_OUTPUT else output.suffix


def _lost(file: PictureFile, suffix: str, about: About, *, opaque: bool, several: bool) -> tuple[str, ...]:
    """One line for each property that the format cannot store."""
    kind, notes = KINDS.get(suffix.lower()), []
    if not opaque and kind not in TRANSPARENT:
        notes.append(f"its transparency is lost: {suffix} has none, .png does")
    if file.count > 1 and not several:
        parts, others = ("frames", ".gif, .webp and .png") if file.moving else ("pages", ".tif")
        notes.append(f"only the first of its {file.count} {parts} is kept: {others} can hold them all")
    if (about.exif or about.xmp) and kind not in _DESCRIBED:
        notes.append(f"its dates, place and title are lost: {suffix} cannot store them")
    return tuple(notes)


def _require_memory(file: PictureFile, image: Image, *, pictures: int) -> None:
    """Raises InputError for a picture that needs too much memory; otherwise the process might be killed."""
    height, width = image.shape[:2]
    available = available_memory_bytes()
    each = NETWORK_BYTES_PER_PIXEL + (pictures - 1) * KEPT_BYTES_PER_PIXEL
    needed = height * width * each
    if available is not None and needed > available:
        fits = int((available / each / (width * height)) ** 0.5 * min(width, height))
        several = f"{pictures} pictures of " if pictures > 1 else ""
        raise InputError(
            f"{file.name}: {several}{width}x{height} pixels need about {needed / 1e9:.1f} GB of memory, "
            f"{available / 1e9:.1f} GB are free; --size {fits} would fit"
        )
