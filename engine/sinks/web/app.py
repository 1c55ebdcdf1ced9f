"""The page and its JSON interface, as a Starlette application."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route

from ...errors import ArtrtError, OutputError, UsageError
from ...looks.controls import Caption
from ...looks.look import NUMBERS
from ..changes import ControlChanges, make_changes
from ..player import Player
from .bodies import App
from .hub import Hub
from .limits import Buckets, Places
from .metrics import metrics_text
from .options import WebOptions
from .recordings import Recordings
from .rtc import Peers, has_webrtc
from .schema import Offer, Part, RecordingRequest, openapi, parsed
from .security import client_address
from .stream import BOUNDARY, EndlessResponse, mjpeg_parts
from .styled import StyledPictures
from .tokens import in_query
from .view import FITS, view_page

LOG = logging.getLogger("artrt.web")
PAGE = Path(__file__).with_name("page.html")
EVENT_SECONDS = 0.5
CHUNK_BYTES = 64 * 1024
# Snapshots per client address: burst, and rate per second.
SNAPSHOT_BURST, SNAPSHOTS_PER_SECOND = 20.0, 4.0
VERSION = "2"

Handler = Callable[[Request], Awaitable[Any]]


class Site:
    """Answers requests; runs in the server's event loop.

    Args:
        player: The player to control.
        hub: Source of the pictures.
        options: Limits.
    """

    def __init__(self, player: Player, *, hub: Hub, options: WebOptions) -> None:
        self._player, self._hub = player, hub
        self._page = PAGE.read_text(encoding="utf-8")
        self._recordings = Recordings(player, quota=options.recordings)
        self._peers = Peers(hub)
        self._styled = StyledPictures(player, hub, jpeg_quality=options.jpeg_quality)
        self._viewers = Places(options.max_clients)
        self._listeners = Places(options.max_clients)
        self._snapshots = Buckets(SNAPSHOT_BURST, SNAPSHOTS_PER_SECOND)

    def app(self) -> App:
        """The routes."""
        get, post = ["GET"], ["POST"]
        return Starlette(
            routes=[
                Route("/", self._index, methods=get),
                Route("/api/state", self._state, methods=get),
                Route("/api/events", self._events, methods=get),
                Route("/api/controls", _told(self._controls), methods=post),
                Route("/api/recording", _told(self._recording), methods=post),
                Route("/api/recordings/{name}", _told(self._download), methods=get),
                Route("/api/recordings/{name}", _told(self._delete), methods=["DELETE"]),
                Route("/api/webrtc", _told(self._webrtc), methods=post),
                Route("/api/styles", self._styles, methods=get),
                Route("/api/styles/{name}.jpg", _told(self._thumbnail), methods=get),
                Route("/snapshot.png", _told(self._snapshot), methods=get),
                Route("/stream.mjpg", _told(self._stream), methods=get),
                Route("/view", _told(self._view), methods=get),
                Route("/openapi.json", self._openapi, methods=get),
                Route("/metrics", self._metrics, methods=get),
                Route("/healthz", self._health, methods=get),
            ]
        )

    @property
    def viewers(self) -> int:
        """Number of viewers of the picture."""
        return self._viewers.taken + self._peers.connected

    async def close(self) -> None:
        """Closes all WebRTC connections."""
        await self._peers.close()

    def describe(self) -> dict[str, Any]:
        """The answer of /api/state."""
        state = self._player.controls.state
        return {
            "style": state.style,
            "background": state.background,
            "styles": list(state.styles),
            "numbers": dict(state.numbers),
            "limits": {name: [NUMBERS[name].minimum, NUMBERS[name].maximum] for name in state.numbers},
            "defaults": {name: NUMBERS[name].default for name in state.numbers},
            "amounts": {name: asdict(amount) for name, amount in state.amounts.items()},
            "switches": dict(state.switches),
            "paused": self._player.paused,
            "recording": self._recordings.current,
            "recording_problem": self._recordings.problem,
            "recordings": self._recordings.listed(),
            "webrtc": has_webrtc(),
            "viewers": self.viewers,
            "stats": asdict(self._player.stats()),
        }

    async def _index(self, request: Request) -> Response:
        nonce = secrets.token_urlsafe(16)
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' blob: data:; "
            "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        page = self._page.replace("{{nonce}}", nonce)
        return Response(page, media_type="text/html", headers={"content-security-policy": policy})

    async def _view(self, request: Request) -> Response:
        fit = request.query_params.get("fit", FITS[0])
        if fit not in FITS:
            raise UsageError(f"fit is {' or '.join(FITS)}")
        style = request.query_params.get("style")
        if style is not None:
            self._styled.checked(style)
        page, headers = view_page(token=in_query(request.scope), fit=fit, style=style)
        return Response(page, media_type="text/html", headers=headers)

    async def _state(self, request: Request) -> Response:
        return JSONResponse(self.describe())

    async def _events(self, request: Request) -> Any:
        return EndlessResponse(self._event_parts(), media_type=b"text/event-stream", places=self._listeners)

    async def _event_parts(self) -> AsyncGenerator[bytes, None]:
        while not self._hub.closed:
            yield f"data: {json.dumps(self.describe())}\n\n".encode()
            await asyncio.sleep(EVENT_SECONDS)

    async def _controls(self, request: Request) -> Response:
        await asyncio.to_thread(make_changes, self._player, await _body(request, ControlChanges))
        return JSONResponse(self.describe())

    async def _recording(self, request: Request) -> Response:
        wanted = await _body(request, RecordingRequest)
        await asyncio.to_thread(self._recordings.set, wanted.recording)
        return JSONResponse(self.describe())

    async def _download(self, request: Request) -> Response:
        path = self._recordings.path(request.path_params["name"])
        if path is None:
            return JSONResponse({"error": "no such recording"}, status_code=404)
        return FileResponse(path, media_type="video/mp4", filename=path.name)

    async def _delete(self, request: Request) -> Response:
        if not await asyncio.to_thread(self._recordings.delete, request.path_params["name"]):
            return JSONResponse({"error": "no such recording"}, status_code=404)
        return JSONResponse(self.describe())

    async def _webrtc(self, request: Request) -> Response:
        offer = await _body(request, Offer)
        return JSONResponse(await self._peers.answer(offer, address=client_address(request.scope)))

    async def _styles(self, request: Request) -> Response:
        """Title, painter and year of every style of the list."""
        controls = self._player.controls
        captions = {name: controls.captions.get(name, Caption(name)) for name in controls.state.styles}
        return JSONResponse([{"name": name, **asdict(caption)} for name, caption in captions.items()])

    async def _thumbnail(self, request: Request) -> Response:
        """The newest frame in a style of the list; only names of this list are accepted."""
        name = request.path_params["name"]
        picture = self._hub.newest()
        preview = self._player.controls.preview
        if name not in self._player.controls.state.styles or picture is None or preview is None:
            return PlainTextResponse("no such picture", status_code=404)
        image = await asyncio.to_thread(preview, name, picture.result.frame.image)
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
        return Response(data, media_type="image/jpeg")

    async def _snapshot(self, request: Request) -> Response:
        picture = self._hub.newest()
        if picture is None:
            return PlainTextResponse("no picture yet", status_code=503)
        if not self._snapshots.take(client_address(request.scope)):
            return PlainTextResponse("too many snapshots: wait a second", status_code=429)
        data = await asyncio.to_thread(lambda: cv2.imencode(".png", picture.image)[1].tobytes())
        headers = {
            "content-disposition": f'attachment; filename="artrt-{picture.result.index}.png"',
            "content-length": str(len(data)),
        }
        return StreamingResponse(_chunks(data), media_type="image/png", headers=headers)

    async def _stream(self, request: Request) -> Any:
        original, style = request.query_params.get("original") == "1", request.query_params.get("style")
        if style is not None and not self._styled.has_room(self._styled.checked(style)):
            return PlainTextResponse("too many styles at once: choose one that others watch", status_code=503)
        return EndlessResponse(
            self._styled.parts(style) if style is not None else mjpeg_parts(self._hub, original=original),
            media_type=b"multipart/x-mixed-replace; boundary=" + BOUNDARY,
            places=self._viewers,
        )

    async def _openapi(self, request: Request) -> Response:
        return JSONResponse(openapi(VERSION))

    async def _metrics(self, request: Request) -> Response:
        text = metrics_text(self._player.stats(), viewers=self.viewers)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})


def _told(handler: Handler) -> Handler:
    """Turns errors into a JSON answer; an unexpected one is logged."""

    async def wrapped(request: Request) -> Any:
        try:
            return await handler(request)
        except OutputError as error:
            return JSONResponse({"error": str(error)}, status_code=500)
        except ArtrtError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except Exception as error:
            LOG.error("%s %s failed: %r", request.method, request.url.path, error)
            LOG.debug("its traceback", exc_info=True)
            return JSONResponse({"error": "the server failed; its log has the details"}, status_code=500)

    return wrapped


async def _body(request: Request, kind: type[Part]) -> Part:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise UsageError("expected content-type application/json")
    return parsed(await request.body(), kind)


async def _chunks(data: bytes) -> AsyncGenerator[bytes, None]:
    """Splits a large answer into parts; each waits until the client has received the previous one."""
    for start in range(0, len(data), CHUNK_BYTES):
        yield data[start : start + CHUNK_BYTES]
