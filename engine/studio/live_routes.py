"""The page Live: a WebSocket that receives frames and sends painted ones.

browser ── {"look": …, "short_side_px": 360, "split": false} ──► remembered
        ── JPEG, its own camera's frame ────────► the newest one waits, older ones are dropped
        ◄─ JPEG, painted ─────────────────────── when it is the visitor's turn
        ◄─ {"error": …} ──────────────────────── what was wrong with the last one
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..errors import ArtrtError, InputError, UsageError
from .look_request import LookRequest
from .studio import Studio
from .visitors import COOKIE, Visitor

MOST_FRAME_BYTES = 1_000_000
MOST_SOCKETS, MOST_SOCKETS_EACH = 64, 4
SHORT_SIDES_PX = (120, 720)
OWN = "own"


def routes(studio: Studio) -> list[WebSocketRoute]:
    """The route /api/live?source=own, or a camera's number."""
    return [WebSocketRoute("/api/live", partial(_live, studio))]


async def _live(studio: Studio, socket: WebSocket) -> None:
    address = socket.client.host if socket.client else ""
    visitor = studio.visitors.known(socket.cookies.get(COOKIE)) or studio.visitors.welcome(address)
    sockets = studio.sockets
    if sum(sockets.values()) >= MOST_SOCKETS or sockets.get(visitor.id, 0) >= MOST_SOCKETS_EACH:
        await socket.close(1013)
        return
    sockets[visitor.id] = sockets.get(visitor.id, 0) + 1
    try:
        await socket.accept()
        await _Session(studio, visitor, socket).run()
    finally:
        sockets[visitor.id] -= 1
        if not sockets[visitor.id]:
            del sockets[visitor.id]


class _Session:
    """One socket: its requested look and its newest frame."""

    def __init__(self, studio: Studio, visitor: Visitor, socket: WebSocket) -> None:
        self._studio, self._visitor, self._socket = studio, visitor, socket
        self._viewer = secrets.token_hex(8)
        self._look = LookRequest()
        self._short_side_px = 360
        self._split = False
        self._frame: bytes | None = None
        self._arrived = asyncio.Event()

    async def run(self) -> None:
        """Serves the socket until the browser disconnects."""
        tasks = {asyncio.ensure_future(self._receive()), asyncio.ensure_future(self._paint())}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            for error in results:
                if isinstance(error, ArtrtError):
                    await self._tell(error)
            with contextlib.suppress(RuntimeError, OSError, WebSocketDisconnect):
                await self._socket.close()

    async def _receive(self) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                if (data := message.get("bytes")) is not None:
                    self._take(data)
                else:
                    self._change(message.get("text") or "")
            except ArtrtError as error:
                await self._tell(error)

    def _take(self, data: bytes) -> None:
        if len(data) > MOST_FRAME_BYTES:
            raise InputError("a frame is too large")
        self._frame = data
        self._arrived.set()

    def _change(self, text: str) -> None:
        try:
            asked: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UsageError("a message is JSON or a JPEG") from error
        if not isinstance(asked, dict) or not set(asked) <= {"look", "short_side_px", "split"}:
            raise UsageError("a message has 'look', 'short_side_px' and 'split'")
        size, (low, high) = asked.get("short_side_px", self._short_side_px), SHORT_SIDES_PX
        if isinstance(size, bool) or not isinstance(size, int) or not low <= size <= high:
            raise UsageError(f"'short_side_px' must be from {low} to {high}")
        split = asked.get("split", self._split)
        if not isinstance(split, bool):
            raise UsageError("'split' is true or false")
        if "look" in asked:
            self._look = self._studio.look_of(self._visitor, asked["look"])
        self._short_side_px, self._split = size, split

    async def _paint(self) -> None:
        frames = self._own() if self._source == OWN else self._camera(self._source)
        async with contextlib.aclosing(frames):
            async for jpeg in frames:
                self._studio.visitors.known(self._visitor.id)  # still there
                try:
                    painted = await self._studio.ask(
                        self._visitor,
                        "paint_frame",
                        worker="live",
                        jpeg=jpeg,
                        look=self._look,
                        short_side_px=self._short_side_px,
                        viewer=self._viewer,
                        split=self._split,
                    )
                except InputError as error:
                    await self._tell(error)
                    continue
                await self._socket.send_bytes(painted)

    @property
    def _source(self) -> str:
        return self._socket.query_params.get("source", OWN)

    async def _own(self) -> AsyncGenerator[bytes, None]:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            if self._frame is not None:
                yield self._frame

    async def _camera(self, number: str) -> AsyncGenerator[bytes, None]:
        if not (number.isascii() and number.isdecimal() and len(number) < 4):
            raise UsageError("'source' must be own, or a camera's number")
        async with self._studio.cameras.watched(int(number)) as camera:
            seen = 0
            while (picture := await camera.hub.newer_than(seen)) is not None:
                seen = picture.number
                yield await asyncio.to_thread(picture.painted.encode)
            raise camera.error or InputError("the camera ended")

    async def _tell(self, error: ArtrtError) -> None:
        with contextlib.suppress(RuntimeError, OSError, WebSocketDisconnect):
            await self._socket.send_json({"error": " ".join(str(error).split())})
