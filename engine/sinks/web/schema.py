"""The JSON interface: schemas of requests, and the OpenAPI document built from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from ...errors import UsageError
from ..changes import ControlChanges

Part = TypeVar("Part", bound=Struct)


class RecordingRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether to record."""

    recording: bool


class Offer(Struct, frozen=True, forbid_unknown_fields=True):
    """A WebRTC offer."""

    sdp: Annotated[str, Meta(max_length=64 * 1024)]
    type: Literal["offer"]


def parsed(body: bytes, kind: type[Part]) -> Part:
    """Parses a body.

    Args:
        body: JSON.
        kind: The expected type.

    Raises:
        UsageError: The body does not match.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise UsageError(f"the request body is invalid: {error}") from error


def openapi(version: str) -> dict[str, Any]:
    """The document of /openapi.json."""
    kinds = (ControlChanges, RecordingRequest, Offer)
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
                "post": _operation("Start or finish a recording", "application/json", RecordingRequest)
            },
            "/api/recordings/{name}": {
                "get": _operation("Download a recording", "video/mp4") | _NAME,
                "delete": _operation("Delete a recording", "application/json") | _NAME,
            },
            "/api/webrtc": {"post": _operation("Answer a WebRTC offer", "application/json", Offer)},
            "/api/styles": {"get": _operation("Title, painter and year of the styles", "application/json")},
            "/api/styles/{name}.jpg": {"get": _operation("The picture in a style", "image/jpeg") | _NAME},
            "/snapshot.png": {"get": _operation("The newest picture", "image/png")},
            "/stream.mjpg": {
                "get": _operation(
                    "The picture, live; ?style=NAME: in that style", "multipart/x-mixed-replace"
                )
            },
            "/view": {"get": _operation("The bare picture as a page; ?style=NAME, ?fit=cover", "text/html")},
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
