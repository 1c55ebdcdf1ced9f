"""`ndi://NAME`: sends pictures over the network by NDI, through cyndilib."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import cv2

from ..errors import MissingExtraError, OutputError
from ..result import Result
from ..sources import SourceInfo
from ..sources.base import Size, scaled

OWN_NAME = "artrt"
USUAL_RATE = Fraction(30)


class NdiSink:
    """Sends results to every program that requests them by name.

    Args:
        address: `ndi://NAME`; other programs see "HOST (NAME)". Without a name it is "artrt".
    """

    live = True
    main_thread = False

    def __init__(self, address: str) -> None:
        self.name = address
        self._stream = address.removeprefix("ndi://") or OWN_NAME
        self._sender: Any = None
        self._size = Size(1, 1)
        self._rate = USUAL_RATE

    @property
    def announcement(self) -> str:
        """One line with the name that other programs find."""
        return f"NDI sends as '{self._sender.name if self._sender else self._stream}'"

    def open(self, info: SourceInfo) -> None:
        """Starts to send if the size is known; otherwise the first result starts it.

        Raises:
            MissingExtraError: cyndilib is not installed.
            OutputError: NDI does not work on this machine.
        """
        try:
            import cyndilib  # noqa: F401
        except ImportError as error:
            raise MissingExtraError("ndi://", package="cyndilib", extra="ndi") from error
        self._rate = info.rate or USUAL_RATE
        if info.width and info.height:
            self._start(info.width, info.height)

    def write(self, result: Result) -> None:
        """Sends one result, scaled to the size of the first one."""
        if self._sender is None:
            self._start(*result.image.shape[1::-1])
        self._sender.write_video(
            cv2.cvtColor(scaled(result.image, self._size), cv2.COLOR_BGR2BGRA).reshape(-1)
        )

    def close(self, *, completed: bool) -> None:
        """Stops sending."""
        if self._sender is not None:
            self._sender.close()

    def _start(self, width: int, height: int) -> None:
        from cyndilib.sender import Sender
        from cyndilib.video_frame import VideoSendFrame
        from cyndilib.wrapper.ndi_structs import FourCC

        self._size = Size(width, height)
        frame = VideoSendFrame()
        frame.set_resolution(width, height)
        frame.set_frame_rate(self._rate.limit_denominator(1001))
        frame.set_fourcc(FourCC.BGRX)
        # Frames arrive at the pipeline's rate: the sender's own clock would only delay them.
        sender = Sender(self._stream, clock_video=False)
        sender.set_video_frame(frame)
        try:
            sender.open()
        except (RuntimeError, ValueError, MemoryError) as error:
            raise OutputError(f"{self.name}: NDI cannot send here: {error}") from error
        self._sender = sender
