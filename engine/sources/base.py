"""The interface of sources, their options, and the information they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import cv2

from ..addresses import redacted
from ..errors import UsageError
from ..frame import Frame, Image, as_image

LONGEST_PX = 65_535
MOST_DIGITS = 9
FramePolicy = Literal["auto", "latest", "all"]


@dataclass(frozen=True, slots=True)
class Size:
    """A requested picture size in pixels; if `height` is None, `width` is the short side and the ratio is kept."""

    width: int
    height: int | None = None

    @classmethod
    def parse(cls, text: str) -> Size:
        """Parses "1280x720", or "512" for the short side.

        Raises:
            UsageError: It is neither.
        """
        parts = text.lower().split("x")
        if len(parts) > 2 or not all(part.isdecimal() for part in parts):
            raise UsageError(f"size '{text}': expected WIDTHxHEIGHT (1280x720) or the short side (512)")
        sides = [int(part) for part in parts if len(part) <= MOST_DIGITS]
        if len(sides) < len(parts) or not all(1 <= side <= LONGEST_PX for side in sides):
            raise UsageError(
                f"size '{text[:40]}': expected WIDTHxHEIGHT or the short side, each from 1 to {LONGEST_PX} pixels"
            )
        return cls(*sides)

    def of(self, width: int, height: int) -> tuple[int, int]:
        """The scaled width and height, in pixels, of a picture with this width and height."""
        if self.height is not None:
            return self.width, self.height
        scale = self.width / min(width, height)
        return max(1, round(width * scale)), max(1, round(height * scale))


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """Options for opening a source.

    Args:
        size: Requested size: a camera is set to it, all other sources are scaled to it.
        fps: Requested frame rate of a camera, the test scene, the screen, or a folder of pictures.
        loop: Repeat a file or folder.
        reconnect_seconds: How long to try to reopen a lost camera or stream; 0 gives up at once.
        container: FFmpeg's name of the only demuxer that may open a file ("mov"); None detects it. Use it for
            untrusted files, because some demuxers follow addresses in a file.
        square_pixels: Stretch videos with non-square pixels; False keeps them, see `SourceInfo.aspect`.
    """

    size: Size | None = None
    fps: float | None = None
    loop: bool = False
    reconnect_seconds: float = 30.0
    container: str | None = None
    square_pixels: bool = True


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """Information about a source, known before its first frame.

    Args:
        name: Its address, without passwords.
        live: Frames arrive in real time and cannot wait.
        width: Pixels, None when unknown.
        height: Pixels, None when unknown.
        rate: Frames per second, None when unknown.
        time_base: Unit of the timestamps in seconds, None when unknown.
        frame_count: Number of frames, None when unknown.
        duration_seconds: None when unknown.
        audio: File with the audio of the frames, or None.
        names: File names of a folder's pictures, by frame index; empty for other sources.
        origin: The video file, for its other tracks, chapters and metadata, or None.
        aspect: Pixel aspect ratio, width by height.
        alpha: Frames may have transparency.
    """

    name: str
    live: bool
    width: int | None = None
    height: int | None = None
    rate: Fraction | None = None
    time_base: Fraction | None = None
    frame_count: int | None = None
    duration_seconds: float | None = None
    audio: Path | None = None
    names: Sequence[str] = ()
    origin: Path | None = None
    aspect: Fraction = Fraction(1)
    alpha: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", redacted(self.name))


class Source(Protocol):
    """Yields frames to one thread. Only `cancel` may be called from other threads."""

    @property
    def info(self) -> SourceInfo:
        """Information about the source."""

    @property
    def reconnects(self) -> int:
        """How often the source was lost and reopened."""

    def read(self) -> Frame | None:
        """The next frame; None at the end, or soon after `cancel`.

        Raises:
            InputError: The rest cannot be read.
            SourceLostError: A live source was lost and could not be reopened in time.
        """

    def cancel(self) -> None:
        """Makes a waiting `read` return."""

    def close(self) -> None:
        """Frees the device or file; may be called twice."""


@runtime_checkable
class Noted(Protocol):
    """A source or sink with notes about its file."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read or kept, one line each; complete at the end."""


def scaled(image: Image, size: Size | None) -> Image:
    """Scales `image`, uint8 [H, W, 3], to `size` if it differs."""
    if size is None:
        return image
    height, width = image.shape[:2]
    target = size.of(width, height)
    if target == (width, height):
        return image
    shrinks = target[0] * target[1] < width * height
    return as_image(cv2.resize(image, target, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC))
