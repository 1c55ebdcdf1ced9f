"""What a source is: something that gives frames one by one and knows what it is."""

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
    """A wanted picture size in pixels; `height` None means: `width` is the short side, keep the proportions."""

    width: int
    height: int | None = None

    @classmethod
    def parse(cls, text: str) -> Size:
        """Reads "1280x720", or "512" for the short side.

        Raises:
            UsageError: It is neither.
        """
        parts = text.lower().split("x")
        if len(parts) > 2 or not all(part.isdecimal() for part in parts):
            raise UsageError(f"size '{text}': expected WIDTHxHEIGHT (1280x720) or the short side (512)")
        sides = [int(part) for part in parts if len(part) <= MOST_DIGITS]
        if len(sides) < len(parts) or not all(1 <= side <= LONGEST_PX for side in sides):
            raise UsageError(f"size '{text[:40]}': expected WIDTHxHEIGHT, each from 1 to {LONGEST_PX} pixels")
        return cls(*sides)

    def of(self, width: int, height: int) -> tuple[int, int]:
        """Width and height in pixels that a picture of this width and height is scaled to."""
        if self.height is not None:
            return self.width, self.height
        scale = self.width / min(width, height)
        return max(1, round(width * scale)), max(1, round(height * scale))


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How a source is opened.

    Args:
        size: Wanted size: a camera is asked for it, everything else is scaled to it.
        fps: Wanted rate of a camera, the test scene or the screen; for a folder, the rate to play it at.
        loop: Start again at the end of a file or folder.
        reconnect_seconds: How long a lost camera or stream is tried again; 0 gives up at once.
        container: FFmpeg's name of the only demuxer that may open a file ("mov"); None finds it out. A file of
            unknown origin is opened so, because some demuxers follow addresses that stand in the file.
        square_pixels: Stretch videos whose pixels are not square; False leaves them, and `SourceInfo.aspect` says it.
    """

    size: Size | None = None
    fps: float | None = None
    loop: bool = False
    reconnect_seconds: float = 30.0
    container: str | None = None
    square_pixels: bool = True


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known of a source before its first frame.

    Args:
        name: The address it was opened by, without passwords.
        live: Frames come at their own pace and cannot wait.
        width: Pixels, None when unknown.
        height: Pixels, None when unknown.
        rate: Frames per second, None when unknown.
        time_base: Unit of the timestamps in seconds, None when there is none.
        frame_count: Number of frames to come, None when unknown.
        duration_seconds: None when unknown.
        audio: File whose audio belongs to the frames, or None.
        names: File names of the pictures of a folder, by frame index; empty for everything else.
        origin: The video file itself, whose other tracks, chapters and metadata belong to the frames, or None.
        aspect: Width by height of one pixel.
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
    """Gives frames to one thread. Only `cancel` may be called from another one."""

    @property
    def info(self) -> SourceInfo:
        """What it is."""

    @property
    def reconnects(self) -> int:
        """How often it was lost and came back."""

    def read(self) -> Frame | None:
        """The next frame; None at the end, and soon after `cancel`.

        Raises:
            InputError: The rest cannot be read.
            SourceLostError: A live source is gone and did not come back in time.
        """

    def cancel(self) -> None:
        """Asks a `read` that waits to return."""

    def close(self) -> None:
        """Frees the device or file; harmless when called twice."""


@runtime_checkable
class Noted(Protocol):
    """A source or sink that has something to say of its file."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read or kept, one line each; complete at the end."""


def scaled(image: Image, size: Size | None) -> Image:
    """`image`, uint8 [H, W, 3], scaled to `size` when it differs."""
    if size is None:
        return image
    height, width = image.shape[:2]
    target = size.of(width, height)
    if target == (width, height):
        return image
    shrinks = target[0] * target[1] < width * height
    return as_image(cv2.resize(image, target, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC))
