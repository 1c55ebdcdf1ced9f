"""A thread that can be waited for again after Ctrl-C interrupted a wait."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Worker:
    """Runs a function once, in a daemon thread.

    Before Python 3.13, `threading.Thread.join` marks a thread as ended when a signal interrupts it.

    Args:
        work: The function; it handles its errors.
        name: Name of the thread.
    """

    def __init__(self, work: Callable[[], None], *, name: str) -> None:
        self._work = work
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def wait(self, *, timeout_seconds: float | None = None) -> bool:
        """Waits for the end of the thread; False on a time-out."""
        return self._ended.wait(timeout_seconds)

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._ended.set()
