"""Picture formats, by suffix and by content.

kind        suffixes                 transparent  moving, or several pages
JPEG        .jpg .jpeg .jpe .jfif    -            -
PNG         .png .apng               yes          moving (APNG)
WebP        .webp                    yes          moving
TIFF        .tif .tiff               yes          pages
GIF         .gif                     yes          moving
AVIF        .avif                    yes          moving
JPEG 2000   .jp2                     -            -
BMP, PPM    .bmp .ppm .pgm           -            -

HEIC can be read besides: see `heif`.
"""

from __future__ import annotations

import os
from pathlib import Path

#: Suffix -> Pillow's name of the format.
KINDS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".apng": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".gif": "GIF",
    ".avif": "AVIF",
    ".jp2": "JPEG2000",
    ".bmp": "BMP",
    ".ppm": "PPM",
    ".pgm": "PPM",
}
IMAGE_SUFFIXES = frozenset(KINDS)
FORMATS = "formats: JPEG, PNG, WebP, AVIF, GIF, TIFF, JPEG 2000, BMP, PPM"
TRANSPARENT = frozenset({"PNG", "WEBP", "TIFF", "GIF", "AVIF"})
MOVING = frozenset({"PNG", "WEBP", "GIF", "AVIF"})
PAGED = frozenset({"TIFF"})
#: The suffix to write when only the format is known.
SUFFIX_OF = {kind: suffix for suffix, kind in reversed(KINDS.items())} | {
    "MPO": ".jpg",
    "HEIF": ".jpg",
    "DIB": ".bmp",
}


def kind_of(path: str | os.PathLike[str]) -> str | None:
    """Pillow's name of a path's format, by its suffix, or None."""
    return KINDS.get(Path(path).suffix.lower())


def keeps_alpha(path: str | os.PathLike[str]) -> bool:
    """Whether the format of this suffix has transparency."""
    return kind_of(path) in TRANSPARENT


def keeps_several(suffix: str, *, moving: bool) -> bool:
    """Whether the format of this suffix can hold several pictures: an animation when `moving`, else pages."""
    return KINDS.get(suffix.lower()) in (MOVING if moving else PAGED)
