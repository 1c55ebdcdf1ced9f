"""How soon the studio shows a photograph of 12 megapixels painted, and a tile of it in 16 styles.

    python benchmarks/studio.py [--rounds 5] [--styles 16]

Over the page's own requests, on this machine: the file goes up, is decoded once, and is painted at the page's size;
then every style is painted small, from the same small copy. For comparison, the tiles from a photograph that is sent
and decoded for each. Every round takes a photograph of another size, because a network prepares for each size that it
has not seen. Processor time is that of the workers, over all threads: on a machine that is busy with other things,
trust it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from _harness import write

from artrt.engine.sinks import WebOptions
from artrt.engine.sources.scene import PHOTO
from artrt.engine.studio.options import StudioOptions
from artrt.engine.studio.server import StudioServer

PREVIEW_PX = 1280
GOALS = {"first preview": 1.5, "tiles": 4.0}


class Visitor:
    """A browser without a screen.

    Args:
        port: Of the studio.
    """

    def __init__(self, port: int) -> None:
        self._port, self._cookie = port, ""
        self.styles = [style["name"] for style in json.loads(self.ask("GET", "/api/studio"))["styles"]]

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "image/jpeg") -> bytes:
        """The body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        headers = {"Content-Type": kind, "X-Name": "a.jpg", "Cookie": self._cookie}
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        data = answer.read()
        self._cookie = self._cookie or answer.getheader("set-cookie", "").partition(";")[0]
        connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {data[:200]!r}")
        return data

    def bring(self, photo: bytes) -> str:
        """Sends a photograph; its number."""
        return str(json.loads(self.ask("POST", "/api/photos", photo))["id"])

    def preview(self, photo: bytes, style: str) -> str:
        """Sends a photograph and waits until it is painted; its number."""
        number = self.bring(photo)
        wish = json.dumps({"style": style, "long_side_px": PREVIEW_PX}).encode()
        self.ask("POST", f"/api/photos/{number}/painted.jpg", wish, "application/json")
        return number

    def tile(self, number: str, style: str) -> None:
        """Waits for one tile."""
        self.ask("GET", f"/api/photos/{number}/tiles/{style}.jpg")


def photograph(width: int, height: int) -> bytes:
    """A JPEG of this size with the grain of a camera."""
    image = cv2.resize(cv2.imread(str(PHOTO)), (width, height), interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(width).normal(0, 4, image.shape[:2])[..., None]
    noisy = np.clip(image + grain, 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()


def workers_seconds() -> float:
    """Processor time of the studio's workers until now; 0 where the system does not tell."""
    ticks = 0
    for child in multiprocessing.active_children():
        stat = Path(f"/proc/{child.pid}/stat")
        if stat.exists():
            ticks += sum(map(int, stat.read_text().rpartition(")")[2].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.0


def timed(action: Callable[[], str]) -> tuple[float, float, str]:
    """Seconds, processor seconds, and what the action gave."""
    processor, start = workers_seconds(), time.perf_counter()
    given = action()
    return time.perf_counter() - start, workers_seconds() - processor, given


def measure(visitor: Visitor, *, rounds: int, styles: list[str]) -> list[dict[str, object]]:
    """One row for each thing that was timed."""
    times: dict[str, list[tuple[float, float]]] = {
        name: [] for name in ("first preview", "tiles", "tiles, decoded for each")
    }

    def tiles(number: str) -> str:
        for style in styles:
            visitor.tile(number, style)
        return number

    def tiles_alone(photo: bytes) -> str:
        for style in styles:
            visitor.tile(visitor.bring(photo), style)
        return ""

    for turn in range(-1, rounds):
        photo = photograph(4000 - 16 * turn, 3000)
        *first, number = timed(lambda photo=photo: visitor.preview(photo, styles[0]))
        *shared, _ = timed(lambda number=number: tiles(number))
        *alone, _ = timed(lambda photo=photo: tiles_alone(photo))
        if turn >= 0:
            for name, taken in zip(times, (first, shared, alone), strict=True):
                times[name].append((taken[0], taken[1]))
    shared_seconds = median(processor for _, processor in times["tiles"])
    return [
        {
            "what": name if name == "first preview" else f"{len(styles)} {name}",
            "seconds": round(median(seconds for seconds, _ in taken), 2),
            "processor_seconds": round(median(processor for _, processor in taken), 2),
            "goal_seconds": GOALS.get(name),
            "times the shared": None
            if name == "first preview"
            else round(median(processor for _, processor in taken) / max(shared_seconds, 0.01), 2),
        }
        for name, taken in times.items()
    ]


def main() -> None:
    """Measures and writes benchmarks/results/studio.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--styles", type=int, default=16)
    options = parser.parse_args()
    with StudioServer("127.0.0.1", 0, options=StudioOptions(), web=WebOptions()) as server:
        visitor = Visitor(server.port)
        rows = measure(visitor, rounds=options.rounds, styles=visitor.styles[: options.styles])
    write(
        "studio",
        title="A 12-megapixel photograph in the studio",
        rows=rows,
        notes="""Medians over the page's own requests on loopback: the file goes up, is decoded, and comes back
        painted with a long side of 1280 px; then a tile of it in every style, one after the other. Processor seconds
        are those of the workers over all threads: other work on the same cores stretches the seconds, not these.""",
    )


if __name__ == "__main__":
    main()
