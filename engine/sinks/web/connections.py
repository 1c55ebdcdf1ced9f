"""HTTP connections: uvicorn's protocol with deadlines and limits for idle clients.

uvicorn waits for ever for the rest of a header, and for a client that does not read its answer.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# Time from the first byte to the end of the headers.
HEADER_SECONDS = 5.0
# Limit of idle connections. One more, and the connection that has been idle longest is closed.
WAITING_PER_ADDRESS = 32
WAITING = 256
# A client that does not receive a part of an answer within this time is disconnected.
STALL_SECONDS = 20.0


class PatientProtocol(H11Protocol):
    """One connection."""

    _deadline: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _since = 0.0

    @property
    def waits(self) -> bool:
        """Whether no request is in progress: part of a header arrived, or nothing since the last answer."""
        return not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connected."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._expect_headers()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client disconnected."""
        self._headers_came()
        self._going_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Data arrived: a part of a header or a body."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._headers_came()
        elif self._deadline is None:
            self._expect_headers()

    def on_response_complete(self) -> None:
        """The answer is complete; the client may not have received all of it."""
        super().on_response_complete()
        self._since = self.loop.time()
        if self._stalled is None and self.transport.get_write_buffer_size():
            self._stalled = self.loop.call_later(STALL_SECONDS, self._drop_if_unsent)

    def pause_writing(self) -> None:
        """The client receives more slowly than the server sends."""
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(STALL_SECONDS, self._drop_if_unsent)

    def resume_writing(self) -> None:
        """The client has received the data."""
        super().resume_writing()
        self._going_on()

    def _expect_headers(self) -> None:
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _headers_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _make_room(self) -> None:
        """Closes the longest idle connection if too many are idle, per address or in total."""
        others = cast("set[Any]", self.connections)
        waiting = sorted(
            (other for other in others if isinstance(other, PatientProtocol) and other.waits),
            key=lambda other: other._since,
        )
        mine = [other for other in waiting if other._address == self._address]
        for crowd, limit in ((mine, WAITING_PER_ADDRESS), (waiting, WAITING)):
            if len(crowd) > limit:
                crowd[0]._give_up()

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _give_up(self) -> None:
        self._headers_came()
        self.transport.abort()

    def _drop_if_unsent(self) -> None:
        self._stalled = None
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def _going_on(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
