"""Ctrl-C, `kill` and a closed terminal end a command in the same way: output files are finished and kept.

A signal becomes an exception in the main thread, because a handler that calls into a running pipeline could wait for a
lock that the interrupted code holds. Repeats within a short time count as one signal, because a shell or `timeout`
sends some signals twice.
"""

from __future__ import annotations

import signal
import time
from types import FrameType

REPEAT_SECONDS = 1.0
MEANINGS = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "the terminal was closed"}


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP arrived; handled like Ctrl-C.

    Args:
        number: The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(MEANINGS[signal.Signals(number).name])
        self.exit_code = 128 + number


def raise_on_signals() -> None:
    """Makes signals raise `KeyboardInterrupt` or `Terminated`; ignored signals stay ignored (nohup)."""
    last = -REPEAT_SECONDS

    def end(number: int, _: FrameType | None) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if last - before < REPEAT_SECONDS:
            return
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)

    for name in MEANINGS:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, end)
