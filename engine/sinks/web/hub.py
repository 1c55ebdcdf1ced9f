"""Distributes the newest picture to any number of viewers, each at its own rate."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

from ...frame import Image
from ...result import Result


class Jpeg:
    """An image as JPEG, encoded once on request.

    Args:
        image: uint8 [H, W, 3], BGR.
        quality: 1 to 100.

    Attributes:
        data: The JPEG; empty before `encode`.
    """

    def __init__(self, image: Image, *, quality: int) -> None:
        self.data = b""
        self._image = image
        self._quality = quality
        self._lock = threading.Lock()

    def encode(self) -> bytes:
        """Returns the JPEG. Not for the server's thread, which it would block."""
        with self._lock:
            if not self.data:
                encoded = cv2.imencode(".jpg", self._image, [cv2.IMWRITE_JPEG_QUALITY, self._quality])[1]
                self.data = encoded.tobytes()
            return self.data


class Picture:
    """A result for the viewers, and its frame before the stages.

    Args:
        number: Increases with every picture.
        result: The result.
        jpeg_quality: 1 to 100.
    """

    def __init__(self, number: int, result: Result, *, jpeg_quality: int) -> None:
        self.number = number
        self.result = result
        self.painted = Jpeg(result.image, quality=jpeg_quality)
        self.original = Jpeg(result.frame.image, quality=jpeg_quality)

    @property
    def image(self) -> Image:
        """uint8 [H, W, 3], BGR."""
        return self.result.image


class Hub:
    """Receives results from one thread and wakes the viewers in the server's event loop.

    A viewer waits for a picture newer than its last one. So each viewer gets pictures as fast as it can receive them, a
    slow one misses some, and nothing is queued.

    Args:
        jpeg_quality: 1 to 100.
    """

    def __init__(self, *, jpeg_quality: int = 80) -> None:
        self._quality = jpeg_quality
        self._lock = threading.Lock()
        self._picture: Picture | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()
        self._closed = False
        self._jpeg_viewers = 0

    @property
    def closed(self) -> bool:
        """Whether there are no more pictures."""
        return self._closed

    def attach_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Sets the event loop of the viewers."""
        self._loop = loop

    @contextmanager
    def wanting_jpeg(self) -> Iterator[None]:
        """Context in which a viewer needs JPEGs; for the server's thread."""
        self._jpeg_viewers += 1
        try:
            yield
        finally:
            self._jpeg_viewers -= 1

    def put(self, result: Result) -> None:
        """Sets the newest result, from the sink's thread; encodes it if a viewer needs JPEGs."""
        with self._lock:
            number = 1 if self._picture is None else self._picture.number + 1
            self._picture = picture = Picture(number, result, jpeg_quality=self._quality)
        if self._jpeg_viewers > 0:
            picture.painted.encode()
        self._wake()

    def newest(self) -> Picture | None:
        """The newest picture; None before the first. Thread-safe."""
        with self._lock:
            return self._picture

    async def newer_than(self, number: int) -> Picture | None:
        """Waits for a picture with a higher number; None after the end."""
        while not self._closed:
            picture = self.newest()
            if picture is not None and picture.number > number:
                return picture
            await self._changed.wait()
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
