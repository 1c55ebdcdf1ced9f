"""HTTP connections that hold a place only while they are used: uvicorn's protocol with deadlines and limits.

uvicorn waits without end for the rest of a header, and for a client that does not read its answer.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# From the first byte to the end of the headers.
HEADER_SECONDS = 5.0
# Connections without a request in progress. One more, and the one that has waited longest is closed.
WAITING_PER_ADDRESS = 32
WAITING = 256
# A client that does not take its part of an answer in so long is dropped.
STALL_SECONDS = 20.0


class PatientProtocol(H11Protocol):
    """One connection."""

    _deadline: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _since = 0.0

    @property
    def waits(self) -> bool:
        """No request is in progress: half a header came, or nothing since the last answer."""
        return not self.transport.is_closing() and (self.cycle is None or self.cycle.response_complete)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client came."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._expect_headers()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client left."""
        self._headers_came()
        self._going_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Something came: a part of a header, or of a body."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._headers_came()
        elif self._deadline is None:
            self._expect_headers()

    def on_response_complete(self) -> None:
        """The answer is complete; the last of it may still wait for the client to take it."""
        super().on_response_complete()
        self._since = self.loop.time()
        if self._stalled is None and self.transport.get_write_buffer_size():
            self._stalled = self.loop.call_later(STALL_SECONDS, self._drop_if_unsent)

    def pause_writing(self) -> None:
        """The client takes less than it is sent."""
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(STALL_SECONDS, self._drop_if_unsent)

    def resume_writing(self) -> None:
        """It took what it was sent."""
        super().resume_writing()
        self._going_on()

    def _expect_headers(self) -> None:
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _headers_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _make_room(self) -> None:
        """Closes the connection that has waited longest when too many wait, of this address or in all."""
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
