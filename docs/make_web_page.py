"""Makes docs/images/web-page.jpg: the page of `artrt serve` in a browser.  python docs/make_web_page.py CHROMIUM.

The source is the clip of docs/make_gallery.py, so nobody's camera is shown.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import cv2
import numpy as np
from make_gallery import IMAGES, pan, write_clip
from playwright.sync_api import sync_playwright

SIZE = {"width": 1440, "height": 900}
WAIT_SECONDS = 90


def wait_for(address: str) -> None:
    """Waits until a page answers."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def screenshot(chromium: str, address: str, wait_ms: int) -> np.ndarray:
    """The page after a while, uint8 [H, W, 3]."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.goto(address, wait_until="domcontentloaded")
        page.wait_for_timeout(wait_ms)
        png = page.screenshot()
        browser.close()
    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


def main(chromium: str = "chromium", wait_ms: str = "20000") -> None:
    """Serves the clip, takes the picture, and ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        write_clip(clip, pan("chelsea"))
        command = [sys.executable, "-m", "artrt.cli.main", "serve", str(clip), "--loop", "--port", str(port)]
        server = subprocess.Popen([*command, "--provider", "cpu", "--style", "starry-night"])
        try:
            wait_for(f"http://127.0.0.1:{port}/healthz")
            image = screenshot(chromium, f"http://127.0.0.1:{port}/", int(wait_ms))
        finally:
            server.terminate()
            server.wait(timeout=20)
    done, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 82])
    assert done
    (IMAGES / "web-page.jpg").write_bytes(encoded.tobytes())


if __name__ == "__main__":
    main(*sys.argv[1:])
