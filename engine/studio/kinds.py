"""Detects the type of an uploaded file by its first bytes, not by its name or declared type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import InputError

HEAD_BYTES = 16


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Args:
        suffix: Suffix of its copy in the private folder.
        container: FFmpeg's name of the only demuxer that may open it; empty for a picture.
        media_type: Media type for the browser.
    """

    suffix: str
    container: str = ""
    media_type: str = ""


JPEG = Kind(".jpg", media_type="image/jpeg")
PNG = Kind(".png", media_type="image/png")
WEBP = Kind(".webp", media_type="image/webp")

_PHOTO_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"avif")
_Test = Callable[[bytes], bool]
PICTURES: tuple[tuple[_Test, Kind], ...] = (
    (lambda head: head.startswith(b"\xff\xd8\xff"), JPEG),
    (lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), PNG),
    (lambda head: head.startswith(b"RIFF") and head[8:12] == b"WEBP", WEBP),
    (lambda head: head.startswith(b"BM"), Kind(".bmp")),
    (lambda head: head[:4] in (b"II*\0", b"MM\0*"), Kind(".tif")),
)
VIDEOS: tuple[tuple[_Test, Kind], ...] = (
    (lambda head: head[4:8] == b"ftyp" and head[8:12] not in _PHOTO_BRANDS, Kind(".mp4", "mov")),
    (lambda head: head.startswith(b"\x1aE\xdf\xa3"), Kind(".mkv", "matroska")),
    (lambda head: head.startswith(b"RIFF") and head[8:12] == b"AVI ", Kind(".avi", "avi")),
)


def picture_kind(head: bytes) -> Kind:
    """The kind of a picture from its first 16 bytes.

    Raises:
        InputError: The type is not supported.
    """
    if head[4:8] == b"ftyp" and head[8:12] in _PHOTO_BRANDS:
        raise InputError("HEIC and AVIF are not supported here: send a JPEG, PNG or WebP")
    return _kind(head, PICTURES, "not a picture: send a JPEG, PNG, WebP, BMP or TIFF")


def video_kind(head: bytes) -> Kind:
    """The kind of a video from its first 16 bytes.

    Raises:
        InputError: The type is not supported.
    """
    return _kind(head, VIDEOS, "not a video: send an MP4, MOV, MKV, WebM or AVI")


def _kind(head: bytes, kinds: tuple[tuple[_Test, Kind], ...], refusal: str) -> Kind:
    for test, kind in kinds:
        if test(head):
            return kind
    raise InputError(refusal)
