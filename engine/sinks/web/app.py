"""The page and its JSON interface, as a Starlette application."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ...errors import ArtrtError, OutputError, UnknownStyleError, UsageError, suggest
from ...looks.controls import ControlState
from ...looks.look import NUMBERS
from ..player import Player
from ..remote import Remote
from .hub import Hub
from .metrics import metrics_text
from .options import WebOptions
from .rtc import Peers, has_webrtc
from .schema import openapi
from .security import App
from .stream import BOUNDARY, EndlessResponse, mjpeg_parts

PAGE = Path(__file__).with_name("page.html")
EVENT_SECONDS = 0.5
LONGEST_STYLE = 200
VERSION = "1"

Handler = Callable[[Request], Awaitable[Any]]


class Site:
    """Answers the requests; lives in the server's event loop.

    Args:
        player: What is steered.
        hub: Where the pictures come from.
        remote: Recordings.
        options: Limits.
    """

    def __init__(self, player: Player, *, hub: Hub, remote: Remote, options: WebOptions) -> None:
        self._player, self._hub, self._remote, self._options = player, hub, remote, options
        self._page = PAGE.read_text(encoding="utf-8")
        self._peers = Peers(hub)
        self._listeners = 0

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
                Route("/api/webrtc", _told(self._webrtc), methods=post),
                Route("/api/styles/{name}.jpg", _told(self._thumbnail), methods=get),
                Route("/snapshot.png", self._snapshot, methods=get),
                Route("/stream.mjpg", self._stream, methods=get),
                Route("/openapi.json", self._openapi, methods=get),
                Route("/metrics", self._metrics, methods=get),
                Route("/healthz", self._health, methods=get),
            ]
        )

    async def close(self) -> None:
        """Hangs up on WebRTC viewers."""
        await self._peers.close()

    def describe(self) -> dict[str, Any]:
        """What /api/state says."""
        state = self._player.controls.state
        return {
            "style": state.style,
            "styles": list(state.styles),
            "numbers": dict(state.numbers),
            "limits": {name: [NUMBERS[name].minimum, NUMBERS[name].maximum] for name in state.numbers},
            "switches": dict(state.switches),
            "paused": self._player.paused,
            "recording": self._remote.recording,
            "webrtc": has_webrtc(),
            "viewers": self._hub.viewers,
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

    async def _state(self, request: Request) -> Response:
        return JSONResponse(self.describe())

    async def _events(self, request: Request) -> Any:
        if self._listeners >= self._options.max_clients:
            return PlainTextResponse("too many viewers", status_code=503)
        return EndlessResponse(self._event_parts(), media_type=b"text/event-stream")

    async def _event_parts(self) -> AsyncGenerator[bytes, None]:
        self._listeners += 1
        try:
            while not self._hub.closed:
                yield f"data: {json.dumps(self.describe())}\n\n".encode()
                await asyncio.sleep(EVENT_SECONDS)
        finally:
            self._listeners -= 1

    async def _controls(self, request: Request) -> Response:
        changes = await _json_object(request)
        switches = changes.pop("switches", {})
        paused = changes.pop("paused", None)
        _check_controls(changes, switches, paused, state=self._player.controls.state)
        await asyncio.to_thread(lambda: self._player.controls.set(**changes, **switches))
        if paused is not None:
            self._player.pause(paused)
        return JSONResponse(self.describe())

    async def _recording(self, request: Request) -> Response:
        wanted = (await _json_object(request)).get("recording")
        if not isinstance(wanted, bool):
            raise UsageError("'recording' is true or false")
        if wanted != (self._remote.recording is not None):
            await asyncio.to_thread(self._remote.toggle_recording)
        return JSONResponse(self.describe())

    async def _webrtc(self, request: Request) -> Response:
        return JSONResponse(await self._peers.answer(await _json_object(request)))

    async def _thumbnail(self, request: Request) -> Response:
        """The newest frame in a style of the list; names come from that list, never from the request."""
        name = request.path_params["name"]
        result = self._hub.result()
        preview = self._player.controls.preview
        if name not in self._player.controls.state.styles or result is None or preview is None:
            return PlainTextResponse("no such picture", status_code=404)
        image = await asyncio.to_thread(preview, name, result.frame.image)
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
        return Response(data, media_type="image/jpeg")

    async def _snapshot(self, request: Request) -> Response:
        result = self._hub.result()
        if result is None:
            return PlainTextResponse("no picture yet", status_code=503)
        data = await asyncio.to_thread(lambda: cv2.imencode(".png", result.image)[1].tobytes())
        disposition = {"content-disposition": f'attachment; filename="artrt-{result.index}.png"'}
        return Response(data, media_type="image/png", headers=disposition)

    async def _stream(self, request: Request) -> Any:
        if self._hub.viewers >= self._options.max_clients:
            return PlainTextResponse("too many viewers", status_code=503)
        return EndlessResponse(
            self._viewer_parts(), media_type=b"multipart/x-mixed-replace; boundary=" + BOUNDARY
        )

    async def _viewer_parts(self) -> AsyncGenerator[bytes, None]:
        self._hub.viewers += 1
        try:
            async for part in mjpeg_parts(self._hub):
                yield part
        finally:
            self._hub.viewers -= 1

    async def _openapi(self, request: Request) -> Response:
        return JSONResponse(openapi(VERSION))

    async def _metrics(self, request: Request) -> Response:
        text = metrics_text(self._player.stats(), viewers=self._hub.viewers)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})


def _told(handler: Handler) -> Handler:
    """Turns known errors into a JSON answer."""

    async def wrapped(request: Request) -> Any:
        try:
            return await handler(request)
        except OutputError as error:
            return JSONResponse({"error": str(error)}, status_code=500)
        except ArtrtError as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return wrapped


async def _json_object(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise UsageError("expected content-type application/json")
    try:
        data = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise UsageError("the body is not JSON") from error
    if not isinstance(data, dict):
        raise UsageError("expected a JSON object")
    return data


def _check_controls(changes: dict[str, Any], switches: Any, paused: Any, *, state: ControlState) -> None:
    style = changes.get("style")
    if style is not None and not (isinstance(style, str) and 0 < len(style) <= LONGEST_STYLE):
        raise UsageError("'style' is a name or a mix of names")
    for part in style.split("+") if style is not None else ():
        # Only names of the list: what a client sends is never looked up as a file.
        if (name := part.partition(":")[0].strip()) not in state.styles:
            raise UnknownStyleError(name, known=state.styles)
    for name, value in changes.items():
        if name != "style" and name not in state.numbers:
            raise UsageError(f"no control '{name}'; {suggest(name, [*state.numbers, 'style'])}")
        if name != "style" and (isinstance(value, bool) or not isinstance(value, (int, float))):
            low, high = NUMBERS[name].minimum, NUMBERS[name].maximum
            raise UsageError(f"'{name}' is a number from {low:g} to {high:g}")
    if not isinstance(switches, dict) or not all(isinstance(on, bool) for on in switches.values()):
        raise UsageError("'switches' says true or false for each stage")
    for name in switches:
        if name not in state.switches:
            raise UsageError(f"no switch '{name}'; {suggest(name, state.switches)}")
    if paused is not None and not isinstance(paused, bool):
        raise UsageError("'paused' is true or false")
