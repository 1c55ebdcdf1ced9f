"""Common parts of all routes of the studio: find the visitor, parse JSON, answer known errors in one line."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..errors import ArtrtError, InputError, OutputError, UsageError
from .studio import Studio
from .visitors import COOKIE, NoRoomError, Visitor

Handler = Callable[[Studio, Visitor, Request], Awaitable[Response]]
COOKIE_SECONDS = 30 * 86400


def route_for(
    studio: Studio, handler: Handler, *, welcome: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """Wraps a handler for Starlette.

    Args:
        studio: Passed to the handler.
        handler: Called with studio, visitor and request.
        welcome: Give a cookie to a browser without one; False refuses it.
    """
    return partial(_answer, studio, handler, welcome)


async def json_object(request: Request) -> dict[str, Any]:
    """Parses the body of a request.

    Raises:
        UsageError: It is not a JSON object.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise UsageError("expected content-type application/json")
    try:
        data = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise UsageError("the body is not JSON") from error
    if not isinstance(data, dict):
        raise UsageError("expected a JSON object")
    return data


def refusal(error: ArtrtError) -> Response:
    """The answer to a known error."""
    status = 500 if isinstance(error, OutputError) else 400
    if isinstance(error, NoRoomError):
        status = 507
    elif isinstance(error, InputError) and str(error).startswith("no such"):
        status = 404
    return JSONResponse({"error": " ".join(str(error).split())}, status_code=status)


async def _answer(studio: Studio, handler: Handler, welcome: bool, request: Request) -> Response:
    visitor = studio.visitors.known(request.cookies.get(COOKIE))
    fresh = visitor is None
    if visitor is None:
        if not welcome:
            return JSONResponse({"error": "open the page first"}, status_code=403)
        visitor = studio.visitors.welcome(request.client.host if request.client else "")
    try:
        response = await handler(studio, visitor, request)
    except ArtrtError as error:
        response = refusal(error)
    if fresh:
        secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, visitor.id, max_age=COOKIE_SECONDS, httponly=True, samesite="strict", secure=secure
        )
    return response
