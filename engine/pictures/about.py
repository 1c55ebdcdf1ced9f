"""Metadata of a picture file: time, place, author, camera, title."""

from __future__ import annotations

import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from PIL import Image as Pil
from PIL.ExifTags import IFD, Base

#: Tags of the main EXIF block that are kept; the others describe how the pixels were stored.
KEPT_TAGS = (
    Base.ImageDescription,
    Base.Make,
    Base.Model,
    Base.Software,
    Base.DateTime,
    Base.Artist,
    Base.HostComputer,
    Base.Rating,
    Base.RatingPercent,
    Base.Copyright,
    Base.XPTitle,
    Base.XPComment,
    Base.XPAuthor,
    Base.XPKeywords,
    Base.XPSubject,
)
#: Tags that are wrong for the new pixels, or useful only to the camera's maker.
DROPPED_TAGS = (Base.MakerNote, Base.ExifImageWidth, Base.ExifImageHeight, Base.ExifInteroperabilityOffset)
MOST_BYTES = 65_000  # a JPEG has room for this much in one block
SRGB = 1
_TURN_IN_XMP = re.compile(rb"(tiff:Orientation(?:=[\"']|>))\d")
_BROKEN = (SyntaxError, struct.error, ValueError, TypeError, KeyError, IndexError, OSError, OverflowError)


@dataclass(frozen=True, slots=True)
class About:
    """Metadata of a file, without previews, for an upright picture in sRGB.

    Args:
        exif: An EXIF block in the form that Pillow's `save` accepts, or b"".
        xmp: An XMP packet, or b"".
        texts: Keywords and texts of a PNG; "Comment" of a JPEG or GIF.
    """

    exif: bytes = b""
    xmp: bytes = b""
    texts: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any metadata."""
        return bool(self.exif or self.xmp or self.texts)

    @property
    def comment(self) -> str:
        """The comment of a JPEG or GIF, or ""."""
        return dict(self.texts).get("Comment", "")


NOTHING = About()


def about_of(picture: Pil.Image) -> About:
    """The metadata of an opened file; damaged blocks are ignored."""
    with without_warnings():
        return About(_exif_of(picture), _xmp_of(picture), _texts_of(picture))


def orientation_of(picture: Pil.Image) -> int:
    """The EXIF orientation, 1 to 8; 1, upright, when it is missing or damaged."""
    try:
        with without_warnings():
            turn = picture.getexif().get(Base.Orientation, 1)
    except _BROKEN:
        return 1
    return turn if isinstance(turn, int) and 1 <= turn <= 8 else 1


@contextmanager
def without_warnings() -> Iterator[None]:
    """Suppresses Pillow's warnings about flaws that it can handle."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _exif_of(picture: Pil.Image) -> bytes:
    try:
        found, kept = picture.getexif(), Pil.Exif()
        for tag in KEPT_TAGS:
            if tag in found:
                kept[tag] = found[tag]
        for block in (IFD.Exif, IFD.GPSInfo):
            entries = {tag: value for tag, value in found.get_ifd(block).items() if tag not in DROPPED_TAGS}
            if Base.ColorSpace in entries and block == IFD.Exif:
                entries[Base.ColorSpace] = SRGB
            if entries:
                kept.get_ifd(block).update(entries)
        data = (
            kept.tobytes()
            if len(kept) or any(kept.get_ifd(block) for block in (IFD.Exif, IFD.GPSInfo))
            else b""
        )
    except _BROKEN:
        return b""
    return data if len(data) <= MOST_BYTES else b""


def _xmp_of(picture: Pil.Image) -> bytes:
    data: Any = picture.info.get("xmp", b"")
    if isinstance(data, str):
        data = data.encode()
    if not isinstance(data, bytes) or len(data) > MOST_BYTES:
        return b""
    return _TURN_IN_XMP.sub(rb"\g<1>1", data)


def _texts_of(picture: Pil.Image) -> tuple[tuple[str, str], ...]:
    texts: dict[str, str] = {}
    for key, value in getattr(picture, "text", {}).items() if picture.format == "PNG" else ():
        if "xmp" not in key.lower() and not key.startswith("Raw profile"):
            texts[key] = str(value)
    comment = picture.info.get("comment", b"")
    if comment and picture.format in ("JPEG", "MPO", "GIF"):
        texts["Comment"] = comment.decode("utf-8", "replace") if isinstance(comment, bytes) else str(comment)
    return tuple((key, value) for key, value in texts.items() if len(value) <= MOST_BYTES)
