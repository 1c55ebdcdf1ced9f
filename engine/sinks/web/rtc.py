"""WebRTC by aiortc: the stream with the lowest latency."""

from __future__ import annotations

import asyncio
import contextlib
import time
from fractions import Fraction
from typing import Any

from ...errors import MissingExtraError, UsageError
from .hub import Hub
from .limits import Places
from .schema import Offer

# Limit of viewers, because every frame is encoded separately for each viewer, in software.
MAX_PEERS = 4
# A viewer that does not connect within this time loses its place.
CONNECT_SECONDS = 15.0
TIME_BASE = Fraction(1, 90000)


class Peers:
    """The WebRTC connections of a page.

    Args:
        hub: Source of the pictures.
        max_peers: Largest number of connections.
        connect_seconds: Time limit to connect; None uses the default.
    """

    def __init__(self, hub: Hub, *, max_peers: int = MAX_PEERS, connect_seconds: float | None = None) -> None:
        self._hub = hub
        self._places = Places(max_peers)
        self._connect_seconds = CONNECT_SECONDS if connect_seconds is None else connect_seconds
        self._connections: dict[Any, tuple[str, asyncio.Task[None]]] = {}

    @property
    def connected(self) -> int:
        """Number of connected viewers."""
        return sum(connection.connectionState == "connected" for connection in self._connections)

    async def answer(self, offer: Offer, *, address: str) -> dict[str, str]:
        """Connects one viewer; no STUN or TURN server is used.

        Args:
            offer: The viewer's offer.
            address: The viewer's address.

        Returns:
            {"type": "answer", "sdp": "..."}.

        Raises:
            UsageError: The offer is invalid, or there are too many viewers.
            MissingExtraError: aiortc is not installed.
        """
        try:
            from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
        except ImportError as error:
            raise MissingExtraError("WebRTC", package="aiortc", extra="serve") from error
        if not self._places.take(address):
            raise UsageError("too many WebRTC viewers; use MJPEG")
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connections[connection] = (address, asyncio.create_task(self._expect(connection)))
        try:
            connection.on("connectionstatechange", lambda: self._watch(connection))
            connection.addTrack(_track(self._hub))
            await connection.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
            await connection.setLocalDescription(await connection.createAnswer())
        except Exception as error:  # aiortc raises many errors for a malformed description
            await self._drop(connection)
            raise UsageError(f"not a usable WebRTC offer: {type(error).__name__}") from error
        return {"type": connection.localDescription.type, "sdp": connection.localDescription.sdp}

    async def close(self) -> None:
        """Closes all connections."""
        await asyncio.gather(*(self._drop(connection) for connection in list(self._connections)))

    async def _expect(self, connection: Any) -> None:
        await asyncio.sleep(self._connect_seconds)
        if connection.connectionState != "connected":
            await self._drop(connection)

    async def _watch(self, connection: Any) -> None:
        if connection.connectionState in ("failed", "closed", "disconnected"):
            await self._drop(connection)

    async def _drop(self, connection: Any) -> None:
        address, waiting = self._connections.pop(connection, (None, None))
        if address is None or waiting is None:
            return
        self._places.leave(address)
        if waiting is not asyncio.current_task():
            waiting.cancel()
        with contextlib.suppress(Exception):
            await connection.close()


def _track(hub: Hub) -> Any:
    from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
    from av import VideoFrame

    class HubTrack(MediaStreamTrack):
        """The hub's pictures as a video track."""

        kind = "video"
        _number = 0
        _started: float | None = None

        async def recv(self) -> VideoFrame:
            picture = await hub.newer_than(self._number)
            if picture is None:
                self.stop()
                raise MediaStreamError
            self._number = picture.number
            frame = VideoFrame.from_ndarray(picture.image, format="bgr24")
            # Real times, because VideoStreamTrack assumes 30 pictures per second and delays faster ones.
            now = time.monotonic()
            self._started = self._started or now
            frame.pts, frame.time_base = round((now - self._started) / TIME_BASE), TIME_BASE
            return frame

    return HubTrack()


def has_webrtc() -> bool:
    """Whether aiortc is installed."""
    from importlib.util import find_spec

    return find_spec("aiortc") is not None
