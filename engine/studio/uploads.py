"""Uploads: writes request bodies to the private folder, with limits of size, time and space."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request

from ..errors import InputError, UsageError
from .kinds import HEAD_BYTES, Kind
from .visitors import Item, Visitor, Visitors

SILENCE_SECONDS = 20.0
# Minimum rate of a body after the first seconds, so that a slow client does not block a place.
GRACE_SECONDS, LEAST_BYTES_PER_SECOND = 30.0, 20_000


async def receive(
    request: Request,
    *,
    visitor: Visitor,
    visitors: Visitors,
    kind: str,
    kind_of: Callable[[bytes], Kind],
    most_bytes: int,
) -> Item:
    """Receives a file of a visitor.

    Args:
        request: The body is the file, the header X-Name its name.
        visitor: Its owner.
        visitors: Checks the free space.
        kind: "photo", "video" or "style".
        kind_of: Returns the file's type from its first bytes, or raises.
        most_bytes: Largest file.

    Raises:
        UsageError: The length is missing.
        InputError: The file is too large, too slow, cut off, or of another type; nothing is kept.
        NoRoomError: There is too little space.
    """
    size = _said_size(request, most_bytes)
    visitors.require_room(visitor, size)
    visitor.reserved += size
    try:
        body = _paced(request.stream())
        head = b""
        async for chunk in body:
            head += chunk
            if len(head) >= HEAD_BYTES:
                break
        item = visitor.add(kind, title=unquote(request.headers.get("x-name", "")), file=kind_of(head))
        try:
            await _write(item, head, body, size)
        except BaseException:
            visitor.drop(item)
            raise
        return item
    finally:
        visitor.reserved -= size


def _said_size(request: Request, most_bytes: int) -> int:
    text = request.headers.get("content-length", "")
    if not text.isdecimal():
        raise UsageError("the header Content-Length is missing")
    if int(text) == 0:
        raise InputError("the file is empty")
    if int(text) > most_bytes:
        raise InputError(f"the file is too large: up to {most_bytes / 1e6:g} MB")
    return int(text)


async def _write(item: Item, head: bytes, rest: AsyncIterator[bytes], size: int) -> None:
    written = len(head)
    with item.path.open("xb") as file:
        file.write(head)
        async for chunk in rest:
            written += len(chunk)
            if written > size:
                raise InputError("the file is larger than its Content-Length")
            file.write(chunk)
    if written < size:
        raise InputError("the upload was interrupted")


async def _paced(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yields the body; raises InputError if it is too slow or cut off."""
    started, received = time.monotonic(), 0
    while True:
        try:
            chunk = await asyncio.wait_for(anext(stream), SILENCE_SECONDS)
        except StopAsyncIteration:
            return
        except (TimeoutError, asyncio.TimeoutError) as error:
            raise InputError("the upload is too slow") from error
        except ClientDisconnect as error:
            raise InputError("the upload was interrupted") from error
        received += len(chunk)
        late = time.monotonic() - started - GRACE_SECONDS
        if late > 0 and received < late * LEAST_BYTES_PER_SECOND:
            raise InputError("the upload is too slow")
        if chunk:
            yield chunk
