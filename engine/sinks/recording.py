"""A recording that ends at its limits or on an error, without stopping playback."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from ..errors import ArtrtError, OutputError
from ..result import Result
from ..sources import SourceInfo
from .base import EncodeOptions
from .video_file import VideoFileSink

CHECK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class RecordingLimits:
    """Limits of a recording; None means no limit.

    Args:
        seconds: Longest recording.
        bytes: Largest recording.
        free_bytes: Disk space to keep free.
    """

    seconds: float | None = None
    bytes: int | None = None
    free_bytes: int | None = None


class Recorder:
    """The recording of a player, which window and page share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.current: VideoFileSink | Recording | None = None

    @property
    def name(self) -> str | None:
        """The file of the current recording, or None."""
        return None if self.current is None or self.problem is not None else self.current.name

    @property
    def problem(self) -> str | None:
        """Why the last recording ended automatically, or None; cleared by the next one."""
        return self.current.problem if isinstance(self.current, Recording) else None


class Recording:
    """A video file sink that never raises during playback: `problem` says why it ended.

    Args:
        path: .mp4, .mov, .mkv or .webm.
        options: Options of the encoder.
        limits: Limits of the recording.
    """

    live = False
    main_thread = False

    def __init__(
        self, path: Path, *, options: EncodeOptions | None = None, limits: RecordingLimits | None = None
    ) -> None:
        self._file = VideoFileSink(path, options=options)
        self._limits = limits or RecordingLimits()
        self._path = path
        self._started: float | None = None
        self._next_check = 0.0
        self.name = self._file.name
        self.ended = False
        self.problem: str | None = None

    def open(self, info: SourceInfo) -> None:
        """Checks the folder, the encoder and the free space.

        Raises:
            OutputError: The file cannot be written.
        """
        if self._disk_is_full():
            raise OutputError(self._too_little_space())
        self._file.open(info)

    def write(self, result: Result) -> None:
        """Encodes one result, unless the recording has ended."""
        if self.ended:
            return
        try:
            self._file.write(result)
            reached = self._reached_limit()
        except Exception as error:  # playback continues after any error
            reached = _said(error)
        if reached is not None:
            self.problem = reached
            self._end(completed=False)

    def close(self, *, completed: bool) -> None:
        """Finishes the file."""
        if not self.ended:
            self._end(completed=completed)

    def _end(self, *, completed: bool) -> None:
        self.ended = True
        try:
            self._file.close(completed=completed)
        except Exception as error:
            self.problem = self.problem or _said(error)

    def _reached_limit(self) -> str | None:
        now = time.monotonic()
        self._started = self._started or now
        if now < self._next_check:
            return None
        self._next_check = now + CHECK_SECONDS
        limits = self._limits
        if limits.seconds is not None and now - self._started > limits.seconds:
            return f"{self.name}: a recording ends after {limits.seconds:g} s"
        if limits.bytes is not None and self._file.size > limits.bytes:
            return f"{self.name}: a recording ends at {limits.bytes / 1e6:.0f} MB"
        return self._too_little_space() if self._disk_is_full() else None

    def _disk_is_full(self) -> bool:
        wanted = self._limits.free_bytes
        try:
            return wanted is not None and shutil.disk_usage(self._path.parent).free < wanted
        except OSError:  # the folder is missing: opening the file gives a better message
            return False

    def _too_little_space(self) -> str:
        return f"{self.name}: less than {(self._limits.free_bytes or 0) / 1e6:.0f} MB of the disk are free"


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, ArtrtError) else f"{type(error).__name__}: {error}"
