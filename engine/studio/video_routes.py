"""The place Video: a clip comes in, is painted as a job, and goes out."""

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
from .photo_routes import described
from .studio import Studio
from .uploads import receive
from .visitors import Item, Visitor
from .wishes import Wish


def routes(studio: Studio) -> list[Route]:
    """Addresses below /api/videos."""
    made = partial(route_for, studio)
    return [
        Route("/api/videos", made(upload), methods=["POST"]),
        Route("/api/videos/{id}", made(delete), methods=["DELETE"]),
        Route("/api/videos/{id}/poster.jpg", made(poster), methods=["GET"]),
        Route("/api/videos/{id}/painted.jpg", made(painted), methods=["POST"]),
        Route("/api/videos/{id}/paint", made(paint), methods=["POST"]),
    ]


async def upload(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """Takes a video: its bytes are the body."""
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
    """Forgets a video."""
    visitor.drop(_video(visitor, request))
    return Response(status_code=204)


async def poster(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """Its first frame."""
    return FileResponse(_poster(_video(visitor, request)), media_type="image/jpeg")


async def painted(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """Its first frame in a look."""
    item = _video(visitor, request)
    wish = studio.wish_of(visitor, await json_object(request))
    image = await studio.ask(visitor, "paint_preview", path=str(_poster(item)), wish=wish, long_side_px=1280)
    return Response(image, media_type="image/jpeg")


async def paint(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """Starts the job."""
    item = _video(visitor, request)
    if not item.path.is_file():
        raise UsageError("this video is gone: upload it again")
    wish = studio.wish_of(visitor, (await json_object(request)).get("look"))
    studio.visitors.require_room(visitor, 2 * item.path.stat().st_size)
    job = studio.jobs.start(
        visitor, "video", title=item.title, work=_Painting(studio, visitor, item, wish), video=item.id
    )
    return JSONResponse(job.describe(), status_code=202)


@dataclass(frozen=True)
class _Painting:
    """The work of painting one video; cancelling ends its process."""

    studio: Studio
    visitor: Visitor
    item: Item
    wish: Wish

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
                wish=self.wish,
                target=str(target),
            )
        finally:
            # What a worker that was ended left beside it; the name ends in the worker's number.
            hidden = temporary_beside(target).name.rpartition("-")[0]
            for left in [*target.parent.glob(f"{hidden}-*"), partial_name(target)]:
                left.unlink(missing_ok=True)


def _poster(item: Item) -> Path:
    return item.path.with_name(f"{item.path.stem}-poster.jpg")


def _video(visitor: Visitor, request: Request) -> Item:
    return visitor.item(request.path_params["id"], "video")
