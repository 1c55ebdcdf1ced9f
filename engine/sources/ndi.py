"""`ndi://NAME`: receives pictures of another program over the network by NDI, through cyndilib."""

from __future__ import annotations

import threading
import time
from fractions import Fraction
from typing import Any

import numpy as np

from ..errors import InputError, MissingExtraError
from ..frame import Frame, Image
from .base import SourceInfo, SourceOptions, scaled

FIND_SECONDS = 5.0
FIRST_SECONDS = 5.0
# A sender that disconnected and is silent for this long is lost; one that is only silent shows a still picture.
SILENCE_SECONDS = 2.0
# cyndilib holds Python's global lock while it waits, which would block all threads, so it is polled without waiting.
POLL_SECONDS = 0.005


class NdiSource:
    """Reads the newest frames of an NDI sender.

    Args:
        name: "HOST (STREAM)", or the stream's name alone.
        options: Scaling.

    Raises:
        MissingExtraError: cyndilib is not installed.
        InputError: There is no such sender, or it sends no picture.
    """

    reconnects = 0

    def __init__(self, name: str, *, options: SourceOptions) -> None:
        self._address = f"ndi://{name}"
        self._options = options
        self._cancelled = threading.Event()
        self._index = 0
        self._timestamp = 0.0
        self._started = time.monotonic()
        self._finder, self._receiver, self._video = _connected(name)
        first = self._next(FIRST_SECONDS)
        if first is None:
            self.close()
            raise InputError(f"{self._address}: the sender gives no picture")
        self._pending: Image | None = first
        height, width = first.shape[:2]
        rate = Fraction(self._video.get_frame_rate())
        known = rate if 1 <= rate <= 1000 else None
        self.info = SourceInfo(self._address, True, width, height, known, Fraction(1, 90000))

    def read(self) -> Frame | None:
        """The next frame; None when the sender is lost."""
        image = self._pending if self._pending is not None else self._next(SILENCE_SECONDS)
        self._pending = None
        if image is None:
            return None
        captured = time.monotonic()
        index, self._index = self._index, self._index + 1
        return Frame(image, index, captured - self._started, captured)

    def cancel(self) -> None:
        """Stops reading."""
        self._cancelled.set()

    def close(self) -> None:
        """Disconnects."""
        self._cancelled.set()
        if self._receiver is not None:
            self._receiver.disconnect()
            self._finder.close()
            self._receiver = None

    def _next(self, limit_seconds: float) -> Image | None:
        """The next picture that is newer than the last; None after a time-out if the sender is lost."""
        deadline = time.monotonic() + limit_seconds
        while not self._cancelled.is_set():
            self._receiver.frame_sync.capture_video()
            if self._video.xres and self._video.get_timestamp_posix() != self._timestamp:
                self._timestamp = self._video.get_timestamp_posix()
                return scaled(self._image(), self._options.size)
            if time.monotonic() > deadline and not (self._timestamp and self._receiver.is_connected()):
                return None
            self._cancelled.wait(POLL_SECONDS)
        return None

    def _image(self) -> Image:
        """The received picture, BGRX or BGRA; its rows may be longer than the picture's width."""
        width, height = self._video.get_resolution()
        lines = self._video.get_array().reshape(height, -1)[:, : 4 * width].reshape(height, width, 4)
        return np.ascontiguousarray(lines[:, :, :3])


def open_ndi(address: str, *, options: SourceOptions) -> NdiSource:
    """Opens `ndi://NAME`.

    Raises:
        MissingExtraError: cyndilib is not installed.
        InputError: No such sender.
    """
    return NdiSource(address.removeprefix("ndi://"), options=options)


def _connected(name: str) -> tuple[Any, Any, Any]:
    """A finder, a connected receiver, and the frame that it fills."""
    try:
        from cyndilib.finder import Finder
        from cyndilib.receiver import Receiver
        from cyndilib.video_frame import VideoFrameSync
        from cyndilib.wrapper.ndi_recv import RecvColorFormat
    except ImportError as error:
        raise MissingExtraError("ndi://", package="cyndilib", extra="ndi") from error
    finder = Finder()
    finder.open()
    try:
        source = finder.get_source(_found(finder, name))
        receiver = Receiver(color_format=RecvColorFormat.BGRX_BGRA)
        video = VideoFrameSync()
        receiver.frame_sync.set_video_frame(video)
        receiver.set_source(source)
    except BaseException:
        finder.close()
        raise
    return finder, receiver, video


def _found(finder: Any, name: str) -> str:
    """Waits for a sender on the network, and returns its full name."""
    deadline = time.monotonic() + FIND_SECONDS
    names: list[str] = []
    while time.monotonic() < deadline:
        finder.update_sources()
        names = list(finder.get_source_names())
        for known in names:
            if name and (known == name or known.endswith(f"({name})")):
                return known
        time.sleep(0.05)
    seen = ", ".join(f"'{known}'" for known in names) or "none at all"
    raise InputError(f"ndi://{name}: no such NDI sender within {FIND_SECONDS:g} s; on the network: {seen}")
