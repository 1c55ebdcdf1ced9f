"""Training on the page Styles: starts the training of an own style, and shows samples."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..errors import InputError, UsageError
from .answers import route_for
from .studio import Studio
from .style_routes import painting_of
from .training import ROOM_BYTES, Training, require_training
from .visitors import Visitor


def routes(studio: Studio) -> list[Route]:
    """Routes of trainings."""
    made = partial(route_for, studio)
    return [
        Route("/api/styles/{id}/train", made(train), methods=["POST"]),
        Route("/api/jobs/{id}/sample.jpg", made(sample), methods=["GET"]),
    ]


async def train(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """Starts to train an own style on its painting."""
    item = visitor.item(request.path_params["id"], "style")
    require_training(studio.options)
    if not painting_of(item).is_file():
        raise UsageError("only a style that was computed from a painting can be trained")
    studio.visitors.require_room(visitor, ROOM_BYTES)
    work = Training(studio, visitor, item)
    job = studio.jobs.start(visitor, "style", title=str(item.facts["title"]), work=work)
    return JSONResponse(job.describe(), status_code=202)


async def sample(studio: Studio, visitor: Visitor, request: Request) -> Response:
    """The newest samples of a training: photographs above, paintings below."""
    job = studio.jobs.get(visitor, request.path_params["id"])
    if not job.sample:
        raise InputError("no such picture: there are no samples yet")
    return Response(job.sample, media_type="image/jpeg")
