"""`screen://`: the desktop as a source, by mss."""

from __future__ import annotations

import threading
import time
from fractions import Fraction

import numpy as np

from ..errors import InputError, MissingExtraError, UsageError
from ..frame import Frame
from .base import SourceInfo, SourceOptions, scaled


class ScreenSource:
    """Pictures of a monitor.

    Args:
        monitor: 0 for all monitors together, 1 for the first.
        options: Scaling, rate.

    Raises:
        MissingExtraError: mss is not installed.
        InputError: There is no such monitor, or no screen at all.
    """

    reconnects = 0

    def __init__(self, monitor: int, *, options: SourceOptions) -> None:
        try:
            import mss
        except ImportError as error:
            raise MissingExtraError("screen://", package="mss", extra="screen") from error
        try:
            self._grabber = mss.mss()
            self._region = self._grabber.monitors[monitor]
        except IndexError as error:
            raise InputError(
                f"screen://{monitor}: there are {len(self._grabber.monitors) - 1} monitors"
            ) from error
        except mss.exception.ScreenShotError as error:
            raise InputError(f"screen://{monitor}: no screen to capture: {error}") from error
        self._options = options
        self._rate = options.fps or 30.0
        self._index = 0
        self._started = time.monotonic()
        self._cancelled = threading.Event()
        region_size = (self._region["width"], self._region["height"])
        width, height = region_size if options.size is None else options.size.of(*region_size)
        rate = Fraction(self._rate).limit_denominator(1001)
        self.info = SourceInfo(f"screen://{monitor}", True, width, height, rate, Fraction(1, 90000))

    def read(self) -> Frame | None:
        """The current screen, at the requested rate."""
        wait_seconds = self._started + self._index / self._rate - time.monotonic()
        if self._cancelled.wait(max(0.0, wait_seconds)):
            return None
        captured = time.monotonic()
        image = np.ascontiguousarray(np.asarray(self._grabber.grab(self._region))[:, :, :3])
        index, self._index = self._index, self._index + 1
        return Frame(scaled(image, self._options.size), index, captured - self._started, captured)

    def cancel(self) -> None:
        """Stops reading."""
        self._cancelled.set()

    def close(self) -> None:
        """Frees the connection to the screen."""
        self._grabber.close()


def open_screen(address: str, *, options: SourceOptions) -> ScreenSource:
    """Opens `screen://` (the first monitor) or `screen://N`."""
    number = address.removeprefix("screen://") or "1"
    if not number.isdecimal():
        raise UsageError(f"'{address}': expected screen:// or screen://N")
    return ScreenSource(int(number), options=options)
