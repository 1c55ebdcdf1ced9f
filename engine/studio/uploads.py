"""Uploads: the body of a request goes into the private folder, within limits of bytes, time and room."""

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
# After the first seconds a body must come at least this quick, so that nobody holds a place with a drip.
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
    """Takes a file of a visitor.

    Args:
        request: Its body is the file, its header X-Name the file's name.
        visitor: Whose it is.
        visitors: Knows how much room there is.
        kind: "photo", "video" or "style".
        kind_of: Says what the file is by its first bytes, or refuses it.
        most_bytes: Largest file.

    Raises:
        UsageError: No length was said.
        InputError: Too large, too slow, cut off, or not of that kind; nothing is kept.
        NoRoomError: It does not fit.
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
        raise UsageError("the length of the file must be said (Content-Length)")
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
                raise InputError("more bytes came than were said")
            file.write(chunk)
    if written < size:
        raise InputError("the file was cut off on its way")


async def _paced(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The body, refused when it comes too slowly or breaks off."""
    started, received = time.monotonic(), 0
    while True:
        try:
            chunk = await asyncio.wait_for(anext(stream), SILENCE_SECONDS)
        except StopAsyncIteration:
            return
        except (TimeoutError, asyncio.TimeoutError) as error:
            raise InputError("the file comes too slowly") from error
        except ClientDisconnect as error:
            raise InputError("the file was cut off on its way") from error
        received += len(chunk)
        late = time.monotonic() - started - GRACE_SECONDS
        if late > 0 and received < late * LEAST_BYTES_PER_SECOND:
            raise InputError("the file comes too slowly")
        if chunk:
            yield chunk
