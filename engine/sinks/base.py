"""What a sink is: something that takes results, in a thread of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..result import Result
from ..sources import SourceInfo


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """How pictures become video.

    Args:
        codec: FFmpeg's name of the encoder (libx264, h264_nvenc, h264_v4l2m2m, libvpx-vp9); None takes the usual
            one of the container.
        quality: Constant quality of libx264 and libvpx-vp9: 0 lossless to 51 worst; ignored with `bitrate`.
        bitrate: Bits per second, None for constant quality.
        preset: libx264's trade of speed for size, "ultrafast" to "veryslow".
        rate: Frames per second of the output when the source does not say; timestamps are kept in any case.
        audio: Carry the source's audio over.
        metadata: Carry title, dates, place and other tags of a video over.
        whole: Only a complete video gets its name; a part of one is kept as NAME.partial.EXT.
    """

    codec: str | None = None
    quality: int = 20
    bitrate: int | None = None
    preset: str = "veryfast"
    rate: float = 30.0
    audio: bool = True
    metadata: bool = True
    whole: bool = False


class Sink(Protocol):
    """Takes results one by one.

    `live` sinks (window, page, push) get the newest result and may miss some; the others get every one.
    A sink with `main_thread` is served by the thread that waits for the pipeline, as windows must be.
    """

    name: str
    live: bool
    main_thread: bool

    def open(self, info: SourceInfo) -> None:
        """Gets ready; fails early when the output is impossible.

        Raises:
            OutputError: It cannot be written there.
            MissingExtraError: An optional package is needed.
        """

    def write(self, result: Result) -> None:
        """Takes one result.

        Raises:
            OutputError: It could not be written.
        """

    def close(self, *, completed: bool) -> None:
        """Finishes the output.

        Args:
            completed: The source was played to its end (False: stopped or failed on the way).
        """


@runtime_checkable
class MainThreadSink(Protocol):
    """What a sink with `main_thread` may have besides `Sink`'s methods; the window handles its keys there."""

    def idle(self) -> None:
        """Called many times a second while no result comes."""


@runtime_checkable
class AnnouncedSink(Protocol):
    """A sink that users reach at an address which exists only once it is open, such as the web page."""

    @property
    def announcement(self) -> str:
        """One line that tells the address; for after `open`."""
