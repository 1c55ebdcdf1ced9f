"""The page Photo: upload, painted previews, and export at full size."""

from __future__ import annotations

import asyncio
import zipfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..errors import UsageError
from .answers import json_object, route_for
from .jobs import Job
from .kinds import picture_kind
from .look_request import LookRequest
from .studio import Studio
from .uploads import receive
from .visitors import Item, Visitor

FORMATS = {"jpeg": (".jpg", "image/jpeg"), "png": (".png", "image/png"), "webp": (".webp", "image/webp")}
LONGEST_PREVIEW_PX = 1600


def routes(studio: Studio) -> list[Route]:
    """Routes below /api/photos."""
    made = partial(route_for, studio)
    return [
        Route("/api/photos", made(upload), methods=["POST"]),
        Route("/api/photos/{id}", made(delete), methods=["DELETE"]),
        Route("/api/photos/{id}/original.jpg", made(original), methods=["GET"]),
        Route("/api/photos/{id}/painted.jpg", made(painted), methods=["POST"]),
        Route("/api/photos/{id}/tiles/{style}.jpg", made(tile), methods=["GET"]),
        Route("/api/exports", made(export), methods=["POST"]),
    ]


async def upload(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """Receives a photograph as body."""
    item = await receive(
        request,
        visitor=visitor,
        visitors=studio.visitors,
        kind="photo",
        kind_of=picture_kind,
        most_bytes=studio.options.limits.photo_bytes,
    )
    try:
        item.facts |= await studio.ask(visitor, "read_photo", path=str(item.path))
    except BaseException:
        visitor.drop(item)
        raise
    return JSONResponse(described(item), status_code=201)


async def delete(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """Deletes a photograph."""
    visitor.drop(_photo(visitor, request))
    return Response(status_code=204)


async def original(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """The original photograph in the page's size."""
    item = _photo(visitor, request)
    return _jpeg(await studio.ask(visitor, "show_photo", path=str(item.path)))


async def painted(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """The painted photograph in the page's size."""
    item = _photo(visitor, request)
    data = await json_object(request)
    size = data.pop("long_side_px", 1280)
    if isinstance(size, bool) or not isinstance(size, int) or not 16 <= size <= LONGEST_PREVIEW_PX:
        raise UsageError(f"'long_side_px' must be from 16 to {LONGEST_PREVIEW_PX}")
    look = studio.look_of(visitor, data)
    return _jpeg(
        await studio.ask(visitor, "paint_preview", path=str(item.path), look=look, long_side_px=size)
    )


async def tile(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """A thumbnail of the photograph in one style."""
    item = _photo(visitor, request)
    look = studio.look_of(visitor, {"style": request.path_params["style"]})
    return _jpeg(await studio.ask(visitor, "paint_tile", path=str(item.path), style=look.style))


async def export(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """Starts a job: photographs at full size, one as a file, several as a zip."""
    data = await json_object(request)
    numbers, form = data.get("photos"), data.get("format", "jpeg")
    if (
        not isinstance(numbers, list)
        or not 1 <= len(numbers) <= 100
        or not all(isinstance(n, str) for n in numbers)
    ):
        raise UsageError("'photos' must be a list of 1 to 100 photographs")
    if not isinstance(form, str) or form not in FORMATS:
        raise UsageError(f"'format' must be one of {', '.join(FORMATS)}")
    items = [visitor.item(number, "photo") for number in dict.fromkeys(numbers)]
    look = studio.look_of(visitor, data.get("look"))
    studio.visitors.require_room(visitor, sum(_most_bytes(item, form) for item in items))
    title = items[0].title if len(items) == 1 else f"{len(items)} photographs"
    job = studio.jobs.start(visitor, "photos", title=title, work=_Export(studio, items, look, form))
    return JSONResponse(job.describe(), status_code=202)


def described(item: Item) -> dict[str, Any]:
    """A photograph as JSON for the page."""
    return {"id": item.id, "title": item.title, **item.facts}


@dataclass(frozen=True)
class _Export:
    """The job of an export."""

    studio: Studio
    items: list[Item]
    look: LookRequest
    form: str

    async def __call__(self, job: Job) -> None:
        suffix, media_type = FORMATS[self.form]
        made: list[tuple[Path, str]] = []
        job.stop = lambda: self.studio.kill("photos")
        try:
            for number, item in enumerate(self.items):
                target = item.path.with_name(f"{item.path.stem}-{job.id}{suffix}")
                made.append((target, f"{item.title}-painted{suffix}"))
                await self.studio.do(
                    "photos",
                    "export_photo",
                    cancelled=job.is_cancelled,
                    path=str(item.path),
                    look=self.look,
                    target=str(target),
                )
                job.share = (number + 1) / (len(self.items) + (len(self.items) > 1))
            if len(made) == 1:
                job.path, job.name, job.media_type = made[0][0], made[0][1], media_type
                return
            job.path, job.name, job.media_type = (
                made[0][0].with_suffix(".zip"),
                "painted.zip",
                "application/zip",
            )
            await asyncio.to_thread(_zip, made, job.path)
        finally:
            for path, _ in made:
                if path != job.path:
                    path.unlink(missing_ok=True)


def _zip(files: list[tuple[Path, str]], target: Path) -> None:
    """Puts files into a zip without compression; numbers equal names."""
    seen: dict[str, int] = {}
    with zipfile.ZipFile(target, "x") as archive:
        for path, name in files:
            seen[name] = seen.get(name, 0) + 1
            stem, dot, suffix = name.rpartition(".")
            archive.write(path, name if seen[name] == 1 else f"{stem}-{seen[name]}{dot}{suffix}")


def _most_bytes(item: Item, form: str) -> int:
    """Upper limit of a painted photograph's size in bytes."""
    pixels = int(str(item.facts["width"])) * int(str(item.facts["height"]))
    return pixels * (4 if form == "png" else 2)


def _photo(visitor: Visitor, request: Request) -> Item:
    return visitor.item(request.path_params["id"], "photo")


def _jpeg(data: bytes) -> Response:
    return Response(data, media_type="image/jpeg")
