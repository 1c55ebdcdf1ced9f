"""The time of playback: holds frames of a file back until they are due, and stops while paused."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from ..frame import Frame

# A frame that is later than this moves the clock instead of making the rest hurry.
LATE_SECONDS = 0.5


class Clock:
    """Playback time of one pipeline; every method may be called from any thread."""

    def __init__(self) -> None:
        self._running = threading.Event()
        self._running.set()
        self._stopped = threading.Event()
        self._zero: float | None = None

    @property
    def paused(self) -> bool:
        """Whether it is paused."""
        return not self._running.is_set()

    def pause(self, paused: bool) -> None:
        """Stops it or lets it go on."""
        if paused:
            self._running.clear()
        else:
            self._running.set()

    def stop(self) -> None:
        """Ends every wait, now and later."""
        self._stopped.set()
        self._running.set()

    def wait(self, *, until_resumed: bool) -> bool:
        """True when it runs; with `until_resumed` waits for that."""
        return self._running.wait(None if until_resumed else 0)

    def pace(self, frame: Frame) -> Frame:
        """Waits until the frame is due; it then counts as captured now."""
        now = time.monotonic()
        due = now if self._zero is None else self._zero + frame.time_seconds
        if self._zero is None or due < now - LATE_SECONDS:
            self._zero = now - frame.time_seconds
        else:
            self._stopped.wait(max(0.0, due - now))
        return replace(frame, captured_seconds=time.monotonic())
