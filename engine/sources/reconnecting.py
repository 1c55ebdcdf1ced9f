"""A live source that is reopened when it is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from ..errors import InputError, SourceLostError
from ..frame import Frame
from .base import Source, SourceInfo

FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 8.0


class ReconnectingSource:
    """Reads a live source and reopens it when it ends, with growing waits: 0.25, 0.5, 1, ... 8 s.

    Args:
        opener: Opens the source; raises InputError while it is not available.
        limit_seconds: How long to try before the source counts as lost.

    Raises:
        InputError: It cannot be opened the first time.
    """

    def __init__(self, opener: Callable[[], Source], *, limit_seconds: float) -> None:
        self._opener = opener
        self._limit_seconds = limit_seconds
        self._cancelled = threading.Event()
        self._source = opener()
        self._started = time.monotonic()
        self._index = 0
        self.reconnects = 0

    @property
    def info(self) -> SourceInfo:
        """Current information about the source."""
        return self._source.info

    def read(self) -> Frame | None:
        """The next frame; waits while the source is reopened.

        Raises:
            SourceLostError: It could not be reopened in time.
        """
        while not self._cancelled.is_set():
            try:
                frame = self._source.read()
            except InputError:
                frame = None
            if frame is not None:
                return self._renumbered(frame)
            if not self._reopen():
                return None
        return None

    def cancel(self) -> None:
        """Ends waiting and reading."""
        self._cancelled.set()
        self._source.cancel()

    def close(self) -> None:
        """Frees the device."""
        self.cancel()
        self._source.close()

    def _renumbered(self, frame: Frame) -> Frame:
        """Continues index and time after a reconnection."""
        index, self._index = self._index, self._index + 1
        return replace(frame, index=index, time_seconds=frame.captured_seconds - self._started)

    def _reopen(self) -> bool:
        """Tries until the source is open (True) or cancelled (False); raises after the time limit."""
        self._source.close()
        lost = time.monotonic()
        wait_seconds = FIRST_WAIT_SECONDS
        while not self._cancelled.is_set():
            remaining = self._limit_seconds - (time.monotonic() - lost)
            if remaining <= 0:
                raise SourceLostError(self._lost_message())
            if self._cancelled.wait(min(wait_seconds, remaining)):
                return False
            wait_seconds = min(2 * wait_seconds, LONGEST_WAIT_SECONDS)
            try:
                self._source = self._opener()
            except InputError:
                continue
            self.reconnects += 1
            return True
        return False

    def _lost_message(self) -> str:
        name = self._source.info.name
        if self._limit_seconds <= 0:
            return f"{name}: the source ended"
        return f"{name}: the source was lost and could not be reopened within {self._limit_seconds:g} s"
