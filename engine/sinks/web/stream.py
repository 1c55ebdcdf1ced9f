"""Answers that never end: the MJPEG picture and the statistics as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from .hub import Hub
from .security import Receive, Scope, Send

BOUNDARY = b"artrt-frame"
# A viewer that takes nothing for so long is dropped, so that it does not hold a place.
STALL_SECONDS = 20.0


class EndlessResponse:
    """Sends parts as they come, until the client leaves or stalls.

    Args:
        parts: The parts.
        media_type: Its content type.
        stall_seconds: How long one part may take.
    """

    def __init__(
        self, parts: AsyncGenerator[bytes, None], *, media_type: bytes, stall_seconds: float = STALL_SECONDS
    ) -> None:
        self._parts = parts
        self._media_type = media_type
        self._stall_seconds = stall_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers the request."""
        headers = [(b"content-type", self._media_type), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        gone = asyncio.ensure_future(_disconnected(receive))
        sending = asyncio.ensure_future(self._send_all(send, gone))
        try:
            await asyncio.wait({gone, sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, sending):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, OSError, TimeoutError, asyncio.TimeoutError):
                    await task

    async def _send_all(self, send: Send, gone: asyncio.Future[None]) -> None:
        async with contextlib.aclosing(self._parts) as parts:
            async for part in parts:
                message = {"type": "http.response.body", "body": part, "more_body": True}
                await asyncio.wait_for(send(message), self._stall_seconds)
                # Before Python 3.12 wait_for may swallow a cancellation that comes just as it ends.
                if gone.done():
                    return
        await asyncio.wait_for(send({"type": "http.response.body", "body": b""}), self._stall_seconds)


async def mjpeg_parts(hub: Hub) -> AsyncGenerator[bytes, None]:
    """The newest picture again and again, as parts of multipart/x-mixed-replace."""
    number = 0
    while (picture := await hub.newer_than(number)) is not None:
        number = picture.number
        header = b"--%s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % (
            BOUNDARY,
            len(picture.jpeg),
        )
        yield header + picture.jpeg + b"\r\n"


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
