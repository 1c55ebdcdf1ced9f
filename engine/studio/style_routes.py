"""The page Styles: shipped styles, and a visitor's own: blended, read off a painting, or uploaded."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ..errors import InputError, UsageError
from ..zoo.style import SUFFIX, Style, load_style, mix, save_style
from .answers import json_object, route_for
from .kinds import Kind, picture_kind
from .studio import Studio
from .uploads import receive
from .visitors import Item, Visitor, plain_title

STYLE = Kind(SUFFIX)
STYLE_BYTES = 2_000_000
OWN = "own"
PAINTINGS = Path(__file__).with_name("page") / "paintings"


def routes(studio: Studio) -> list[Route]:
    """Routes below /api/styles."""
    made = partial(route_for, studio)
    return [
        Route("/api/styles", made(blend), methods=["POST"]),
        Route("/api/styles/file", made(bring), methods=["POST"]),
        Route("/api/styles/painting", made(read), methods=["POST"]),
        Route("/api/styles/{id}", made(rename), methods=["POST"]),
        Route("/api/styles/{id}", made(delete), methods=["DELETE"]),
        Route("/api/styles/{id}/file", made(export), methods=["GET"]),
        Route("/api/styles/{id}/painting.jpg", made(painting), methods=["GET"]),
    ]


def described_styles(studio: Studio, visitor: Visitor) -> list[dict[str, Any]]:
    """All styles of a visitor, for the page: own styles first, newest first."""
    shipped = []
    for name in studio.options.zoo.styles():
        style = studio.options.zoo.style(name)
        address = f"/page/paintings/{name}.jpg" if (PAINTINGS / f"{name}.jpg").is_file() else ""
        facts = {"title": style.title, "artist": style.artist, "year": style.year, "painting": address}
        shipped.append({"id": "", "name": name, **facts})
    own = [{"id": item.id, **item.facts} for item in visitor.styles]
    return [*reversed(own), *shipped]


async def blend(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """Saves a mix of styles as a new style."""
    data = await json_object(request)
    look = studio.look_of(visitor, {"style": data.get("style")})
    if not look.style:
        raise UsageError("name the styles to blend")
    mixed = mix(
        [studio.options.zoo.style(name) for name, _ in look.style], [weight for _, weight in look.style]
    )
    studio.visitors.require_room(visitor, STYLE_BYTES)
    item = visitor.add("style", title="style", file=STYLE)
    try:
        add_style(item, style=mixed, title=_title(data.get("title")))
    except BaseException:
        visitor.drop(item)
        raise
    return JSONResponse({"id": item.id, **item.facts}, status_code=201)


async def bring(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """Receives a style file of the page or of `artrt train style`."""
    item = await receive(
        request,
        visitor=visitor,
        visitors=studio.visitors,
        kind="style",
        kind_of=_style_kind,
        most_bytes=STYLE_BYTES,
    )
    try:
        style = _loaded(item)
        known = studio.options.zoo.style(studio.options.zoo.styles()[0])
        if (style.trunk, style.vector.size) != (known.trunk, known.vector.size):
            raise InputError("this style belongs to another network: train it again for this one")
        add_style(item, style=style, title=_title(style.title or item.title))
    except BaseException:
        visitor.drop(item)
        raise
    return JSONResponse({"id": item.id, **item.facts}, status_code=201)


async def read(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """Receives the picture of a painting and computes its style in the worker."""
    picture = await receive(
        request,
        visitor=visitor,
        visitors=studio.visitors,
        kind="painting",
        kind_of=picture_kind,
        most_bytes=studio.options.limits.photo_bytes,
    )
    try:
        item = visitor.add("style", title=picture.title, file=STYLE)
        try:
            shown = str(painting_of(item))
            await studio.ask(
                visitor, "read_style", path=str(picture.path), target=str(item.path), shown=shown
            )
            style = _loaded(item)
            add_style(item, style=style, title=_title(picture.title[:60] or "Painting"))
        except BaseException:
            visitor.drop(item)
            raise
    finally:
        visitor.drop(picture)
    return JSONResponse({"id": item.id, **item.facts}, status_code=201)


async def rename(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """Renames an own style."""
    item = visitor.item(request.path_params["id"], "style")
    title = _title((await json_object(request)).get("title"))
    save_style(item.path, replace(load_style(item.path), title=title))
    item.facts["title"] = title
    return JSONResponse({"id": item.id, **item.facts})


async def delete(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """Deletes an own style."""
    visitor.drop(visitor.item(request.path_params["id"], "style"))
    return Response(status_code=204)


async def export(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """An own style as a style file for all commands of artrt."""
    item = visitor.item(request.path_params["id"], "style")
    name = plain_title(str(item.facts["title"])).replace(" ", "-").lower()
    return FileResponse(item.path, filename=f"{name}{SUFFIX}", media_type="application/octet-stream")


async def painting(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """The painting of an own style."""
    picture = painting_of(visitor.item(request.path_params["id"], "style"))
    if not picture.is_file():
        raise InputError("no such painting")
    return FileResponse(picture, media_type="image/jpeg")


def add_style(item: Item, *, style: Style, title: str) -> None:
    """Writes a style to a visitor's item, and describes it for the page."""
    name = f"{OWN}-{item.id.replace('+', '').replace(':', '')}"
    save_style(item.path, replace(style, name=name, title=title))
    has_painting = painting_of(item).is_file()
    painting = f"/api/styles/{item.id}/painting.jpg" if has_painting else ""
    item.facts |= {
        "name": name,
        "title": title,
        "artist": style.artist,
        "year": style.year,
        "painting": painting,
    }


def painting_of(item: Item) -> Path:
    """The path of an own style's painting; the file is missing if the style has no painting."""
    return item.path.with_name(f"{item.path.stem}-painting.jpg")


def _title(text: Any) -> str:
    if not isinstance(text, str) or not 0 < len(text.strip()) <= 60 or not text.isprintable():
        raise UsageError("the title of a style must have 1 to 60 letters")
    return text.strip()


def _loaded(item: Item) -> Style:
    try:
        return load_style(item.path)
    except (InputError, UsageError, ValueError, TypeError, KeyError) as error:
        raise InputError("this is not a style file") from error


def _style_kind(head: bytes) -> Kind:
    """Detects a style file: it starts with the length of its header, a small number, and JSON."""
    if int.from_bytes(head[:8], "little") > 100_000 or head[8:9] != b"{":
        raise InputError("this is not a style file (.safetensors)")
    return STYLE
