"""The JSON interface: what a request may hold, as types that check it, and the OpenAPI description made of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from ...errors import UsageError
from ..changes import ControlChanges

Part = TypeVar("Part", bound=Struct)


class RecordingWish(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether to record."""

    recording: bool


class Offer(Struct, frozen=True, forbid_unknown_fields=True):
    """A WebRTC offer."""

    sdp: Annotated[str, Meta(max_length=64 * 1024)]
    type: Literal["offer"]


def parsed(body: bytes, kind: type[Part]) -> Part:
    """Reads a body.

    Args:
        body: JSON.
        kind: What it has to hold.

    Raises:
        UsageError: It holds something else.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UsageError(f"the body is not what is expected here: {error}") from error


def openapi(version: str) -> dict[str, Any]:
    """The document at /openapi.json."""
    kinds = (ControlChanges, RecordingWish, Offer)
    schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")[1]
    return {
        "openapi": "3.1.0",
        "info": {"title": "artrt", "version": version},
        "security": [{}, {"token": []}],
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
        "paths": {
            "/api/state": {"get": _operation("Controls, styles, statistics", "application/json")},
            "/api/events": {"get": _operation("The state twice a second", "text/event-stream")},
            "/api/controls": {"post": _operation("Change controls", "application/json", ControlChanges)},
            "/api/recording": {
                "post": _operation("Start or finish a recording", "application/json", RecordingWish)
            },
            "/api/recordings/{name}": {
                "get": _operation("Download a recording", "video/mp4") | _NAME,
                "delete": _operation("Delete a recording", "application/json") | _NAME,
            },
            "/api/webrtc": {"post": _operation("Answer a WebRTC offer", "application/json", Offer)},
            "/api/styles/{name}.jpg": {"get": _operation("The picture in a style", "image/jpeg") | _NAME},
            "/snapshot.png": {"get": _operation("The newest picture", "image/png")},
            "/stream.mjpg": {"get": _operation("The picture, live", "multipart/x-mixed-replace")},
            "/view": {"get": _operation("The bare picture as a page", "text/html")},
            "/metrics": {"get": _operation("Statistics for Prometheus", "text/plain")},
            "/healthz": {"get": _operation("Whether it runs", "application/json")},
        },
    }


_NAME = {"parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}]}


def _operation(summary: str, media_type: str, body: type[Struct] | None = None) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": summary,
        "responses": {"200": {"description": "OK", "content": {media_type: {}}}},
    }
    if body is not None:
        schema = {"$ref": f"#/components/schemas/{body.__name__}"}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
        operation["responses"]["400"] = {"description": "The request is not valid"}
    return operation
