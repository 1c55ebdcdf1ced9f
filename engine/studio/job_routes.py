"""Routes for all pages: the state of a visitor, the job queue, downloads."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ..errors import InputError
from .answers import route_for
from .studio import Studio
from .style_routes import described_styles
from .visitors import Visitor


def routes(studio: Studio) -> list[Route]:
    """Routes /api/studio and below /api/jobs."""
    made = partial(route_for, studio)
    return [
        Route("/api/studio", made(state, welcome=True), methods=["GET"]),
        Route("/api/jobs", made(listed), methods=["GET"]),
        Route("/api/jobs/{id}", made(cancel), methods=["DELETE"]),
        Route("/api/jobs/{id}/file", made(download), methods=["GET"]),
    ]


async def state(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """All data that the page shows at its start, so that a reload loses nothing."""
    limits = studio.options.limits
    return JSONResponse(
        {
            "styles": described_styles(studio, visitor),
            "sliders": [asdict(slider) for slider in studio.sliders.values()],
            "photos": _items(visitor, "photo"),
            "videos": _items(visitor, "video"),
            "jobs": [job.describe() for job in studio.jobs.of(visitor)],
            "cameras": [name for name, _ in studio.options.cameras],
            "provider": studio.provider,
            "limits": {
                "photo_bytes": limits.photo_bytes,
                "video_bytes": limits.video_bytes,
                "video_seconds": limits.video_seconds,
            },
        }
    )


async def listed(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """The visitor's jobs."""
    return JSONResponse([job.describe() for job in studio.jobs.of(visitor)])


async def cancel(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """Cancels a job, or removes one that has ended."""
    studio.jobs.cancel(studio.jobs.get(visitor, request.path_params["id"]))
    return Response(status_code=204)


async def download(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """The result file of a job."""
    job = studio.jobs.get(visitor, request.path_params["id"])
    if job.state != "done" or job.path is None or not job.path.is_file():
        raise InputError("no such file: the job has not made one")
    shown = "inline" if "show" in request.query_params else "attachment"
    return FileResponse(
        job.path, filename=job.name, media_type=job.media_type, content_disposition_type=shown
    )


def _items(visitor: Visitor, kind: str) -> list[dict[str, Any]]:
    return [
        {"id": item.id, "title": item.title, **item.facts}
        for item in visitor.items.values()
        if item.kind == kind
    ]
