"""The studio as a Starlette application: the page's files and the JSON interface behind it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..sources.scene import PHOTO
from . import job_routes, live_routes, photo_routes, style_routes, training_routes, video_routes
from .studio import Studio
from .style_routes import STYLE_BYTES

PAGE = Path(__file__).with_name("page")
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The page may use the camera, but no other device.
PERMISSIONS = "camera=(self), microphone=(), geolocation=(), display-capture=()"


def studio_app(studio: Studio) -> Starlette:
    """All routes."""
    routes: list[BaseRoute] = [
        *_page_routes(PAGE),
        *job_routes.routes(studio),
        *photo_routes.routes(studio),
        *video_routes.routes(studio),
        *style_routes.routes(studio),
        *training_routes.routes(studio),
        *live_routes.routes(studio),
        Route("/healthz", _health, methods=["GET"]),
    ]
    return Starlette(routes=routes)


def upload_limits(studio: Studio) -> Mapping[str, int]:
    """Paths of uploads, and their limits in bytes."""
    limits = studio.options.limits
    return {
        "/api/photos": limits.photo_bytes,
        "/api/videos": limits.video_bytes,
        "/api/styles/file": STYLE_BYTES,
        "/api/styles/painting": limits.photo_bytes,
    }


def _page_routes(folder: Path) -> list[BaseRoute]:
    """One route per file of the page, kept in memory: paths of requests are never used as file names."""
    routes: list[BaseRoute] = []
    for path in sorted(folder.rglob("*")):
        media_type = MEDIA_TYPES.get(path.suffix)
        if media_type is not None:
            name = path.relative_to(folder).as_posix()
            address = "/" if name == "index.html" else f"/page/{name}"
            answer = partial(_file, path.read_bytes(), _headers(media_type))
            routes.append(Route(address, answer, methods=["GET"]))
    sample = partial(_file, PHOTO.read_bytes(), _headers("image/jpeg"))
    routes.append(Route("/page/sample.jpg", sample, methods=["GET"]))
    return routes


async def _file(data: bytes, headers: Mapping[str, str], request: Request) -> Response:
    """Answers with a file of the page."""
    return Response(data, headers=headers)


def _headers(media_type: str) -> dict[str, str]:
    headers = {"content-type": media_type, "cache-control": "no-cache"}
    if media_type.startswith("text/html"):
        headers |= {"content-security-policy": POLICY, "permissions-policy": PERMISSIONS}
    return headers


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})
