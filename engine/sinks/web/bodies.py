"""Request bodies: read completely, with limits of size and time, before the application gets the request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST_BODY = 64 * 1024
BODY_SECONDS = 5.0
# An upload may be slow, but every piece must arrive within this time.
PIECE_SECONDS = 20.0


class BodyTooLargeError(Exception):
    """A request has too many bytes."""


class BodyTooSlowError(Exception):
    """The body did not arrive in time, or the client disconnected."""


def has_body(headers: Mapping[str, str]) -> bool:
    """Whether a request announces a body."""
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


async def read_body(receive: Receive, *, seconds: float | None = None) -> bytes:
    """Reads a body.

    Args:
        receive: ASGI's receive.
        seconds: Time limit for the whole body.

    Raises:
        BodyTooLargeError: It has more than `LARGEST_BODY` bytes.
        BodyTooSlowError: It did not arrive in time.
    """
    try:
        return await asyncio.wait_for(_read(receive), BODY_SECONDS if seconds is None else seconds)
    except (TimeoutError, asyncio.TimeoutError) as error:
        raise BodyTooSlowError from error


def with_body(body: bytes, receive: Receive) -> Receive:
    """A `receive` that first gives an already read body, then later messages."""
    given = False

    async def replayed() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replayed


def counted_body(receive: Receive, *, limit: int) -> Receive:
    """A `receive` for bodies that the application reads in pieces, with at most `limit` bytes.

    Raises:
        BodyTooLargeError: In the application, if there are more bytes.
        BodyTooSlowError: If no piece arrives within `PIECE_SECONDS`.
    """
    received, whole = 0, False

    async def counted() -> Message:
        nonlocal received, whole
        try:
            message = await asyncio.wait_for(receive(), None if whole else PIECE_SECONDS)
        except (TimeoutError, asyncio.TimeoutError) as error:
            raise BodyTooSlowError from error
        received += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if received > limit:
            raise BodyTooLargeError
        return message

    return counted


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BodyTooSlowError
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise BodyTooLargeError
        if not message.get("more_body", False):
            return bytes(body)
