"""Renews what docs/web.md shows of an exported site.

python docs/make_web_export.py picture [SITE [CHROMIUM]]   docs/images/web-export.jpg
python docs/make_web_export.py measure [SITE [CHROMIUM]]   the tables of docs/web.md

SITE is a folder of `artrt export --format web`; without it one is written for this.
"""

from __future__ import annotations

import http.server
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from artrt.engine.frame import read_image
from artrt.engine.sources.scene import PHOTO
from artrt.engine.zoo.artefact import Artefact
from artrt.export.folder import export_folder
from artrt.export.transformer_parity import cpu_stage

PAGE = Path(__file__).with_name("web.md")
PICTURE = Path(__file__).with_name("images") / "web-export.jpg"
SIZES = ((320, 240), (640, 360))
ROUNDS = 9
WAIT_MS = 120_000
READY = ".means >> text=On this device"
FLAGS = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
PAINT = """async ([width, height, rounds]) => {
  const { store } = await import("./js/store.js");
  const { chosenControls } = await import("./js/site.js");
  const times = [];
  for (let round = 0; round <= rounds; round += 1) {
    const bitmap = await createImageBitmap(store.photos[0].preview);
    const { picture, ms } = await store.painter.paint({ bitmap, width, height, controls: chosenControls() });
    picture.close();
    if (round) times.push(ms);
  }
  return times;
}"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def served(site: Path) -> Iterator[str]:
    """The address of a site on this machine, without any header, as simple hosts serve it."""
    handler = partial(_Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextmanager
def opened(site: Path, chromium: str, query: str, **options: Any) -> Iterator[Any]:
    """A tab with the page, ready to paint."""
    from playwright.sync_api import sync_playwright

    with served(site) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which(chromium), args=[*FLAGS, "--disable-gpu"]
        )
        tab = browser.new_context(**options).new_page()
        tab.set_default_timeout(WAIT_MS)
        tab.goto(address + query)
        tab.wait_for_selector(READY)
        yield tab
        browser.close()


def settled(tab: Any) -> None:
    """Waits until the photograph on the page is painted."""
    while not tab.evaluate("document.querySelector('img.after').src.startsWith('blob:')"):
        time.sleep(0.2)


def measure(site: Path, chromium: str) -> None:
    """Writes the tables of docs/web.md."""
    write_rows("visits", visits(site, chromium))
    write_rows("frames", frames(site, chromium))


def frames(site: Path, chromium: str) -> list[str]:
    """Frames a second of browser and ONNX Runtime, in one thread each."""
    rows, photo = [], read_image(PHOTO)
    zoo = Artefact.open(site).zoo
    style = zoo.style(zoo.styles()[0]).vector
    with (
        tempfile.TemporaryDirectory() as scratch,
        cpu_stage(site / "stylize.onnx", Path(scratch), threads=1) as stage,
        opened(site, chromium, "?backend=wasm&threads=1") as tab,
    ):
        settled(tab)
        for width, height in SIZES:
            frame = np.asarray(cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
            stage(frame, style=style)
            native = statistics.median(_seconds(partial(stage, frame, style=style)) for _ in range(ROUNDS))
            browser = statistics.median(tab.evaluate(PAINT, [width, height, ROUNDS])) / 1000
            rows.append(
                f"| {width}x{height} | {1 / browser:.1f} fps | {1 / native:.1f} fps | {native / browser:.2f} |"
            )
    return rows


def visits(site: Path, chromium: str) -> list[str]:
    """Seconds until the page is there, and until a photograph is painted: the first visit, and one after it."""
    from playwright.sync_api import sync_playwright

    rows = []
    with served(site) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which(chromium), args=[*FLAGS, "--disable-gpu"]
        )
        tab = browser.new_page()
        tab.set_default_timeout(WAIT_MS)
        for name in ("first", "later"):
            began = time.perf_counter()
            tab.goto(f"{address}?backend=wasm")
            tab.wait_for_selector(".strip img")
            shown = time.perf_counter() - began
            settled(tab)
            rows.append(f"| {name} | {shown:.1f} s | {time.perf_counter() - began:.1f} s |")
        browser.close()
    return rows


def write_rows(table: str, rows: list[str]) -> None:
    """Puts rows into a table of docs/web.md."""
    text = PAGE.read_text(encoding="utf-8")
    place = re.compile(rf"(<!-- measurements: {table} -->.*?\n[|-]+\n).*?(<!-- /measurements -->)", re.DOTALL)
    assert place.search(text), table
    PAGE.write_text(
        place.sub(lambda match: match[1] + "\n".join(rows) + "\n" + match[2], text), encoding="utf-8"
    )


def _seconds(call: Any) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def picture(site: Path, chromium: str) -> None:
    """The page at 1280 pixels, with the photograph that it brings."""
    with opened(site, chromium, "?backend=wasm", viewport={"width": 1280, "height": 800}) as tab:
        settled(tab)
        image = cv2.imdecode(np.frombuffer(tab.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 84])
    assert done
    PICTURE.write_bytes(data.tobytes())


def main(what: str, site: str | None = None, chromium: str = "chromium") -> None:
    """Does one of the two."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(site) if site else Path(scratch) / "site"
        if site is None:
            export_folder(folder, format="web", webgpu=False)
        {"picture": picture, "measure": measure}[what](folder, chromium)


if __name__ == "__main__":
    if sys.argv[1:2] not in (["picture"], ["measure"]):
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
