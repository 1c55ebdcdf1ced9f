"""The playback clock: delays the frames of a file until they are due, and stops while paused."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from ..frame import Frame

# A frame that is later than this resets the clock, so that later frames do not play too fast.
LATE_SECONDS = 0.5


class Clock:
    """Playback time of one pipeline; thread-safe."""

    def __init__(self) -> None:
        self._running = threading.Event()
        self._running.set()
        self._stopped = threading.Event()
        self._zero: float | None = None

    @property
    def paused(self) -> bool:
        """Whether the clock is paused."""
        return not self._running.is_set()

    def pause(self, paused: bool) -> None:
        """Pauses or resumes the clock."""
        if paused:
            self._running.clear()
        else:
            self._running.set()

    def stop(self) -> None:
        """Ends all current and later waits."""
        self._stopped.set()
        self._running.set()

    def wait(self, *, until_resumed: bool) -> bool:
        """Whether the clock runs; with `until_resumed`, waits until it does."""
        return self._running.wait(None if until_resumed else 0)

    def pace(self, frame: Frame) -> Frame:
        """Waits until the frame is due; returns it with the current time as capture time."""
        now = time.monotonic()
        due = now if self._zero is None else self._zero + frame.time_seconds
        if self._zero is None or due < now - LATE_SECONDS:
            self._zero = now - frame.time_seconds
        else:
            self._stopped.wait(max(0.0, due - now))
        return replace(frame, captured_seconds=time.monotonic())
