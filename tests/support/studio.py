"""A running studio over the tiny zoo, and a visitor that remembers its cookie."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from artrt.engine.sinks import WebOptions
from artrt.engine.studio import server
from artrt.engine.studio.options import Limits, StudioOptions
from artrt.engine.zoo.zoo import Zoo
from support.page import Answer, Client

SMALL = Limits(photo_bytes=3_000_000, photo_pixels=4_000_000, video_bytes=3_000_000, video_seconds=4.0)


class VisitorClient(Client):
    """A browser without a screen."""

    cookie = ""

    def request(self, method: str, path: str, body=None, *, timeout: float = 60, **headers: str) -> Answer:
        if self.cookie:
            headers["Cookie"] = self.cookie
        answer = super().request(method, path, body, timeout=timeout, **headers)
        if "set-cookie" in answer.headers:
            self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def upload(self, path: str, data: bytes, *, name: str = "a.jpg") -> Answer:
        return self.request("POST", path, data, X_Name=name)

    def job_done(self, number: str, *, seconds: float = 60.0) -> dict:
        """The job once it has ended."""
        deadline = time.monotonic() + seconds
        while True:
            (job,) = [job for job in self.get("/api/jobs").json if job["id"] == number]
            if job["state"] not in ("waiting", "running"):
                return job
            assert time.monotonic() < deadline, job
            time.sleep(0.05)


@contextmanager
def studio(
    zoo: Path, *, limits: Limits = SMALL, host: str = "127.0.0.1", folder: Path | None = None, **more
) -> Iterator[server.StudioServer]:
    """A studio on a free port; the tests' many visitors share one address, so it counts no requests."""
    burst, server.BURST = server.BURST, 1e9
    options = StudioOptions(limits=limits, provider="cpu", threads=1, zoo=Zoo(zoo), folder=folder, **more)
    try:
        with server.StudioServer(host, 0, options=options, web=WebOptions()) as running:
            yield running
    finally:
        server.BURST = burst


def visitor(running: server.StudioServer) -> VisitorClient:
    """Somebody who opened the page."""
    client = VisitorClient(running.port, token=running.token)
    assert client.get("/api/studio").status == 200
    return client


def picture_file(height: int, width: int, *, suffix: str = ".png", value: int = 90) -> bytes:
    """An encoded picture of one grey with a white corner."""
    image = np.full((height, width, 3), value, np.uint8)
    image[: height // 4, : width // 4] = 255
    return cv2.imencode(suffix, image)[1].tobytes()


def decoded(data: bytes) -> np.ndarray:
    """uint8 [H, W, 3], BGR."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image
