"""A file source that holds its last picture, and repeats it only when it would look different."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from ..frame import Frame
from .base import Source, SourceInfo

# How often the controls are checked, and how long a change lasts, because a style fades in.
LOOK_SECONDS = 0.1
SETTLE_SECONDS = 1.0


class HoldingSource:
    """Reads a file; after the last frame it waits until it is cancelled.

    Args:
        source: The file.
        asked: Returns the settings that the picture depends on; after a change, the last frame is repeated for a
            second.
    """

    def __init__(self, source: Source, *, asked: Callable[[], object]) -> None:
        self._source = source
        self._asked = asked
        self._cancelled = threading.Event()
        self._last: Frame | None = None
        self._seen: object = None
        self._until = 0.0

    @property
    def info(self) -> SourceInfo:
        """Information about the file."""
        return self._source.info

    @property
    def reconnects(self) -> int:
        """Always 0."""
        return self._source.reconnects

    def read(self) -> Frame | None:
        """The next frame of the file, or the last one again; None after `cancel`, or if the file has no frame."""
        if self._cancelled.is_set():
            return None
        asked = self._asked()
        frame = self._source.read()
        if frame is not None:
            self._last, self._seen = frame, asked
            return frame
        return self._hold()

    def cancel(self) -> None:
        """Ends it."""
        self._cancelled.set()
        self._source.cancel()

    def close(self) -> None:
        """Closes the file."""
        self.cancel()
        self._source.close()

    def _hold(self) -> Frame | None:
        if self._last is None:
            return None
        while not self._cancelled.wait(LOOK_SECONDS):
            now = time.monotonic()
            if (asked := self._asked()) != self._seen:
                self._seen, self._until = asked, now + SETTLE_SECONDS
            if now < self._until:
                self._last = replace(
                    self._last,
                    index=self._last.index + 1,
                    time_seconds=self._last.time_seconds + LOOK_SECONDS,
                    captured_seconds=now,
                )
                return self._last
        return None
