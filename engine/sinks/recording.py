"""A recording that ends by itself: at its limits, or when it fails, without ending what plays."""

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
    """How much may be recorded; None sets no limit.

    Args:
        seconds: Of one recording.
        bytes: Of one recording.
        free_bytes: What has to stay free on the disk.
    """

    seconds: float | None = None
    bytes: int | None = None
    free_bytes: int | None = None


class Recorder:
    """The one recording of a player that its window and its page start and finish."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.current: VideoFileSink | Recording | None = None

    @property
    def name(self) -> str | None:
        """The file that is being recorded, or None."""
        return None if self.current is None or self.problem is not None else self.current.name

    @property
    def problem(self) -> str | None:
        """Why the last recording ended by itself, or None; the next one clears it."""
        return self.current.problem if isinstance(self.current, Recording) else None


class Recording:
    """A video file as a sink that never fails: `problem` says why it ended.

    Args:
        path: .mp4, .mov, .mkv or .webm.
        options: Encoding.
        limits: Where it ends.
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
            OutputError: It cannot be written there.
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
        except Exception as error:  # whatever it is, what plays goes on
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
        except OSError:  # the folder is not there: the file itself says so better
            return False

    def _too_little_space(self) -> str:
        return f"{self.name}: less than {(self._limits.free_bytes or 0) / 1e6:.0f} MB of the disk are free"


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, ArtrtError) else f"{type(error).__name__}: {error}"
