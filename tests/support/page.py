"""A pipeline of three flat colours behind a web page, and a small client."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from artrt.engine.looks.amounts import Amount
from artrt.engine.looks.controls import Caption, Controls
from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.sinks import WebOptions
from artrt.engine.sinks.web.sink import WebSink

COLOURS = {"blue": (255, 0, 0), "green": (0, 255, 0), "red": (0, 0, 255)}
CAPTIONS = {
    "blue": Caption("Étude in Blue", "A. Painter", "about 1901"),
    "green": Caption("Meadow"),
    "red": Caption("Red"),
}


def vector(mix: str) -> np.ndarray:
    parts = [part.partition(":") for part in mix.split("+")]
    weights = np.array([float(weight or 1) for _, _, weight in parts])
    return (weights / weights.sum() @ np.array([COLOURS[name] for name, _, _ in parts])).astype(np.float32)


def stylize(image, style=None, strength=1.0):
    return ((1 - 0.8 * strength) * image + 0.8 * strength * style).clip(0, 255).astype(np.uint8)


stylize.controls = ("style", "strength")


def preview(name, image, *, short_side_px=45):
    step = max(1, min(image.shape[:2]) // short_side_px)
    return stylize(image[::step, ::step], style=vector(name))


def quantize(image, colors=16.0):
    return image // 128 * 128


quantize.controls = ("colors",)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """Sends requests to a page on this machine."""

    def __init__(self, port: int, *, token: str | None = None):
        self.port = port
        self.token = token

    def request(self, method: str, path: str, body=None, *, timeout: float = 30, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            names.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            names.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body=body, headers=names)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, **headers)

    def post(self, path: str, body, **headers: str) -> Answer:
        return self.request("POST", path, body, **headers)

    def state(self):
        return self.get("/api/state").json


@contextmanager
def page(
    *, host="127.0.0.1", source="test://320x180@30", options: WebOptions | None = None
) -> Iterator[tuple[WebSink, Pipeline, Client]]:
    """A running page."""
    controls = Controls(
        styles=CAPTIONS,
        resolve=vector,
        style="blue",
        switches={"quantize": False},
        preview=preview,
    )
    controls.add_amounts({"colors": Amount(16, 2, 256)})
    sink = WebSink(f"http://{host}:0", options=options)
    with Pipeline(source, [quantize, stylize], [sink], controls=controls) as pipeline:
        yield sink, pipeline, Client(sink._port, token=sink.token)
