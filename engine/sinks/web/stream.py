"""Endless answers: the MJPEG stream, and statistics as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import nullcontext

from .bodies import Receive, Scope, Send
from .hub import Hub
from .limits import Places
from .security import answer, client_address

BOUNDARY = b"artrt-frame"
FIRST_PART = b"--%s\r\n" % BOUNDARY


class EndlessResponse:
    """Sends parts as they arrive, until the client disconnects.

    Args:
        parts: The parts.
        media_type: Its content type.
        places: The client uses one of these places; if none is free, it is refused (503).
    """

    def __init__(self, parts: AsyncGenerator[bytes, None], *, media_type: bytes, places: Places) -> None:
        self._parts = parts
        self._media_type = media_type
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers the request."""
        address = client_address(scope)
        if not self._places.take(address):
            await answer(send, 503, "too many viewers", close=True)
            return
        try:
            await self._answer(scope, receive, send)
        finally:
            self._places.leave(address)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
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
                with contextlib.suppress(asyncio.CancelledError, OSError):
                    await task

    async def _send_all(self, send: Send, gone: asyncio.Future[None]) -> None:
        async with contextlib.aclosing(self._parts) as parts:
            async for part in parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
                if gone.done():
                    return
        await send({"type": "http.response.body", "body": b""})


async def mjpeg_parts(hub: Hub, *, original: bool = False) -> AsyncGenerator[bytes, None]:
    """Yields every new picture as a part of multipart/x-mixed-replace.

    The boundary follows every picture immediately, because browsers show a picture when they receive its end.

    Args:
        hub: Source of the pictures.
        original: The frames before the stages, to compare.
    """
    number = 0
    with nullcontext() if original else hub.wanting_jpeg():
        yield FIRST_PART
        while (picture := await hub.newer_than(number)) is not None:
            number = picture.number
            jpeg = picture.original if original else picture.painted
            yield part(jpeg.data or await asyncio.to_thread(jpeg.encode))


def part(jpeg: bytes) -> bytes:
    """A picture as a part of multipart/x-mixed-replace, with the boundary behind it."""
    return b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n--%s\r\n" % (
        len(jpeg),
        jpeg,
        BOUNDARY,
    )


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
