"""The newest picture, for any number of viewers at their own pace."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass

import cv2

from ...frame import Image
from ...result import Result


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A result as the viewers get it.

    Args:
        number: Counts up with every picture.
        jpeg: The encoded picture.
        image: uint8 [H, W, 3], BGR.
    """

    number: int
    jpeg: bytes
    image: Image


class Hub:
    """Takes results from one thread and wakes the viewers in the server's event loop.

    A viewer asks for a picture newer than its last one. So each gets pictures as fast as it can take them, a slow one
    loses some, and nothing is queued.

    Args:
        jpeg_quality: 1 to 100.
    """

    def __init__(self, *, jpeg_quality: int = 80) -> None:
        self._quality = jpeg_quality
        self._lock = threading.Lock()
        self._result: Result | None = None
        self._picture: Picture | None = None
        self._number = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self._closed = False
        self.viewers = 0

    @property
    def closed(self) -> bool:
        """No more pictures come."""
        return self._closed

    def attach_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """The event loop that the viewers live in."""
        self._loop = loop

    def put(self, result: Result) -> None:
        """Takes the newest result, from the sink's thread; it is encoded here when somebody looks."""
        with self._lock:
            self._number += 1
            self._result, self._picture = result, None
        if self.viewers > 0:
            self.newest()
        self._wake()

    def newest(self) -> Picture | None:
        """The newest picture, encoded when it was not yet; None before the first. For any thread."""
        with self._lock:
            if self._picture is None and self._result is not None:
                image = self._result.image
                good, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self._quality])
                self._picture = Picture(self._number, data.tobytes(), image) if good else None
            return self._picture

    def result(self) -> Result | None:
        """The newest result. For any thread."""
        with self._lock:
            return self._result

    async def newer_than(self, number: int) -> Picture | None:
        """Waits for a picture with a higher number; None when there will be none."""
        while not self._closed:
            if self._number > number:
                picture = self.newest()
                if picture is not None:
                    return picture
            changed = self._changed
            await changed.wait()
        return None

    def close(self) -> None:
        """Ends every wait."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._replace_event)

    def _replace_event(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
