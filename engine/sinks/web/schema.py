"""The OpenAPI description of the JSON interface."""

from __future__ import annotations

from typing import Any

from ...looks.look import NUMBERS

_NUMBERS: dict[str, Any] = {
    name: {
        "type": "number",
        "minimum": number.minimum,
        "maximum": number.maximum,
        "description": number.help,
    }
    for name, number in NUMBERS.items()
}
CONTROLS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "style": {"type": "string", "maxLength": 200, "description": "A style, or a mix: a:0.7+b:0.3"},
        **_NUMBERS,
        "paused": {"type": "boolean"},
        "switches": {"type": "object", "additionalProperties": {"type": "boolean"}},
    },
}
RECORDING: dict[str, Any] = {
    "type": "object",
    "required": ["recording"],
    "properties": {"recording": {"type": "boolean"}},
}
OFFER: dict[str, Any] = {
    "type": "object",
    "required": ["sdp", "type"],
    "properties": {"sdp": {"type": "string"}, "type": {"const": "offer"}},
}


def openapi(version: str) -> dict[str, Any]:
    """The document at /openapi.json."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "artrt", "version": version},
        "security": [{}, {"token": []}],
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "paths": {
            "/api/state": {"get": _operation("Controls, styles, statistics", "application/json")},
            "/api/events": {"get": _operation("The state twice a second", "text/event-stream")},
            "/api/controls": {"post": _operation("Change controls", "application/json", CONTROLS)},
            "/api/recording": {
                "post": _operation("Start or finish a recording", "application/json", RECORDING)
            },
            "/api/webrtc": {"post": _operation("Answer a WebRTC offer", "application/json", OFFER)},
            "/api/styles/{name}.jpg": {"get": _operation("The picture in a style", "image/jpeg") | _NAME},
            "/snapshot.png": {"get": _operation("The newest picture", "image/png")},
            "/stream.mjpg": {"get": _operation("The picture, live", "multipart/x-mixed-replace")},
            "/metrics": {"get": _operation("Statistics for Prometheus", "text/plain")},
            "/healthz": {"get": _operation("Whether it runs", "application/json")},
        },
    }


_NAME = {"parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}]}


def _operation(summary: str, media_type: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": summary,
        "responses": {"200": {"description": "OK", "content": {media_type: {}}}},
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
        operation["responses"]["400"] = {"description": "The request is not valid"}
    return operation
