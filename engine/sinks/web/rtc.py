"""WebRTC through aiortc: the picture with the lowest latency."""

from __future__ import annotations

import asyncio
import contextlib
import time
from fractions import Fraction
from typing import Any

from ...errors import MissingExtraError, UsageError
from .hub import Hub

# Encodes every frame again for each viewer, in software.
MAX_PEERS = 4
TIME_BASE = Fraction(1, 90000)


class Peers:
    """The WebRTC connections of a page.

    Args:
        hub: Where the pictures come from.
        max_peers: At most so many.
    """

    def __init__(self, hub: Hub, *, max_peers: int = MAX_PEERS) -> None:
        self._hub = hub
        self._max_peers = max_peers
        self._connections: set[Any] = set()

    async def answer(self, offer: dict[str, Any]) -> dict[str, str]:
        """Connects one viewer; no other server is asked for addresses.

        Args:
            offer: {"type": "offer", "sdp": "..."}.

        Returns:
            {"type": "answer", "sdp": "..."}.

        Raises:
            UsageError: Not an offer, or there are too many viewers.
            MissingExtraError: aiortc is not installed.
        """
        try:
            from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
        except ImportError as error:
            raise MissingExtraError("WebRTC", package="aiortc", extra="serve") from error
        if len(self._connections) >= self._max_peers:
            raise UsageError(f"at most {self._max_peers} WebRTC viewers; use MJPEG")
        if offer.get("type") != "offer" or not isinstance(offer.get("sdp"), str):
            raise UsageError("expected a WebRTC offer")
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._connections.add(connection)
        try:
            connection.on("connectionstatechange", lambda: self._watch(connection))
            connection.addTrack(_track(self._hub))
            await connection.setRemoteDescription(RTCSessionDescription(offer["sdp"], "offer"))
            await connection.setLocalDescription(await connection.createAnswer())
        except Exception as error:  # whatever a malformed description makes aiortc raise
            await self._drop(connection)
            raise UsageError(f"not a usable WebRTC offer: {type(error).__name__}") from error
        return {"type": connection.localDescription.type, "sdp": connection.localDescription.sdp}

    async def close(self) -> None:
        """Hangs up."""
        await asyncio.gather(*(self._drop(connection) for connection in list(self._connections)))

    async def _watch(self, connection: Any) -> None:
        if connection.connectionState in ("failed", "closed", "disconnected"):
            await self._drop(connection)

    async def _drop(self, connection: Any) -> None:
        self._connections.discard(connection)
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
            # Real times: those of VideoStreamTrack pretend 30 pictures a second and hold quicker ones back.
            now = time.monotonic()
            self._started = self._started or now
            frame.pts, frame.time_base = round((now - self._started) / TIME_BASE), TIME_BASE
            return frame

    return HubTrack()


def has_webrtc() -> bool:
    """Whether aiortc is installed."""
    from importlib.util import find_spec

    return find_spec("aiortc") is not None
