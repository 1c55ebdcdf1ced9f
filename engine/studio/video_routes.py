"""The page Video: upload a clip, paint it as a job, and download it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ..errors import UsageError
from ..files import temporary_beside
from ..sinks.video_file import partial_name
from .answers import json_object, route_for
from .jobs import Job
from .kinds import video_kind
from .look_request import LookRequest
from .photo_routes import described
from .studio import Studio
from .uploads import receive
from .visitors import Item, Visitor


def routes(studio: Studio) -> list[Route]:
    """Routes below /api/videos."""
    made = partial(route_for, studio)
    return [
        Route("/api/videos", made(upload), methods=["POST"]),
        Route("/api/videos/{id}", made(delete), methods=["DELETE"]),
        Route("/api/videos/{id}/poster.jpg", made(poster), methods=["GET"]),
        Route("/api/videos/{id}/painted.jpg", made(painted), methods=["POST"]),
        Route("/api/videos/{id}/paint", made(paint), methods=["POST"]),
    ]


async def upload(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """Receives a video as body."""
    item = await receive(
        request,
        visitor=visitor,
        visitors=studio.visitors,
        kind="video",
        kind_of=video_kind,
        most_bytes=studio.options.limits.video_bytes,
    )
    arguments = {"path": str(item.path), "container": item.file.container, "poster": str(_poster(item))}
    try:
        item.facts |= await studio.ask(visitor, "look_at_video", **arguments)
    except BaseException:
        visitor.drop(item)
        raise
    return JSONResponse(described(item), status_code=201)


async def delete(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """Deletes a video."""
    visitor.drop(_video(visitor, request))
    return Response(status_code=204)


async def poster(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """The first frame of a video."""
    return FileResponse(_poster(_video(visitor, request)), media_type="image/jpeg")


async def painted(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """The painted first frame of a video."""
    item = _video(visitor, request)
    look = studio.look_of(visitor, await json_object(request))
    image = await studio.ask(visitor, "paint_preview", path=str(_poster(item)), look=look, long_side_px=1280)
    return Response(image, media_type="image/jpeg")


async def paint(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """Starts the job."""
    item = _video(visitor, request)
    if not item.path.is_file():
        raise UsageError("this video no longer exists: upload it again")
    look = studio.look_of(visitor, (await json_object(request)).get("look"))
    studio.visitors.require_room(visitor, 2 * item.path.stat().st_size)
    job = studio.jobs.start(
        visitor, "video", title=item.title, work=_Painting(studio, visitor, item, look), video=item.id
    )
    return JSONResponse(job.describe(), status_code=202)


@dataclass(frozen=True)
class _Painting:
    """The job of painting one video; cancelling it ends its process."""

    studio: Studio
    visitor: Visitor
    item: Item
    look: LookRequest

    async def __call__(self, job: Job) -> None:
        target = self.item.path.with_name(f"{self.item.path.stem}-{job.id}.mp4")
        job.path, job.name, job.media_type = target, f"{self.item.title}-painted.mp4", "video/mp4"
        job.stop = lambda: self.studio.kill("video")
        loop = asyncio.get_running_loop()

        def tell(share: float) -> None:
            job.share = share
            if self.visitor.used_bytes > self.studio.options.limits.visitor_bytes:
                loop.call_soon_threadsafe(job.stop or (lambda: None))

        try:
            await self.studio.do(
                "video",
                "paint_video",
                on_progress=tell,
                cancelled=job.is_cancelled,
                path=str(self.item.path),
                container=self.item.file.container,
                frames=int(str(self.item.facts["frames"])),
                look=self.look,
                target=str(target),
            )
        finally:
            # Files that a killed worker left; their names end in the worker's process id.
            hidden = temporary_beside(target).name.rpartition("-")[0]
            for left in [*target.parent.glob(f"{hidden}-*"), partial_name(target)]:
                left.unlink(missing_ok=True)


def _poster(item: Item) -> Path:
    return item.path.with_name(f"{item.path.stem}-poster.jpg")


def _video(visitor: Visitor, request: Request) -> Item:
    return visitor.item(request.path_params["id"], "video")
