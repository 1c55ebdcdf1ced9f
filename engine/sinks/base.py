"""The interface of sinks, which receive results in a thread, and options of encoded ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..result import Result
from ..sources import SourceInfo


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """Options of video encoding.

    Args:
        codec: FFmpeg's name of the encoder (libx264, h264_nvenc, h264_v4l2m2m, libvpx-vp9); None takes the usual
            one of the container.
        quality: Constant quality of libx264 and libvpx-vp9: 0 lossless to 51 worst; ignored with `bitrate`.
        bitrate: Bits per second, None for constant quality.
        preset: libx264's trade of speed for size, "ultrafast" to "veryslow".
        rate: Frames per second of the output if the source's rate is unknown; timestamps are always kept.
        audio: Keep the source's audio.
        metadata: Keep title, dates, place and other tags of a video.
        whole: Only a complete video gets its name; an incomplete one is kept as NAME.partial.EXT.
    """

    codec: str | None = None
    quality: int = 20
    bitrate: int | None = None
    preset: str = "superfast"
    rate: float = 30.0
    audio: bool = True
    metadata: bool = True
    whole: bool = False


class Sink(Protocol):
    """Receives results one by one.

    `live` sinks (window, page, push) get the newest result and may miss some; other sinks get every result.
    A sink with `main_thread` is served by the thread that waits for the pipeline, as windows must be.
    """

    name: str
    live: bool
    main_thread: bool

    def open(self, info: SourceInfo) -> None:
        """Opens the output; fails early if it is impossible.

        Raises:
            OutputError: The output cannot be written.
            MissingExtraError: An optional package is needed.
        """

    def write(self, result: Result) -> None:
        """Writes one result.

        Raises:
            OutputError: It could not be written.
        """

    def close(self, *, completed: bool) -> None:
        """Finishes the output.

        Args:
            completed: Whether the source was played to its end; False after a stop or an error.
        """


@runtime_checkable
class MainThreadSink(Protocol):
    """An optional method of sinks with `main_thread`; the window handles its keys in it."""

    def idle(self) -> None:
        """Called many times per second while there is no result."""


@runtime_checkable
class AnnouncedSink(Protocol):
    """A sink with an address for users that exists only after `open`, such as the web page."""

    @property
    def announcement(self) -> str:
        """One line with the address; call it after `open`."""
