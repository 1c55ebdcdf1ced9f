"""Renews the pictures of the studio.

python docs/make_studio.py paintings FOLDER...     the page's small paintings, from FOLDER/STYLE.jpg
python docs/make_studio.py screenshots [CHROMIUM]  docs/images/studio-*.jpg, from the page in a browser
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from artrt.engine.sinks import WebOptions
from artrt.engine.studio.options import StudioOptions
from artrt.engine.studio.server import StudioServer
from artrt.engine.zoo.zoo import Zoo

ROOT = Path(__file__).resolve().parent.parent
PAINTINGS = ROOT / "engine" / "studio" / "page" / "paintings"
IMAGES = ROOT / "docs" / "images"
PAINTING_PX = 400
SCREENS = {"phone": (390, 844), "laptop": (1280, 800), "screen": (1920, 1080)}
WAIT_MS = 60_000


def paintings(folders: list[Path]) -> None:
    """Writes the small painting of every shipped style, from the first folder that has it."""
    for name in Zoo().styles():
        found = [path for folder in folders if (path := folder / f"{name}.jpg").is_file()]
        image = cv2.imread(str(found[0])) if found else None
        if image is None:
            raise SystemExit(f"no {name}.jpg in these folders")
        scale = PAINTING_PX / max(image.shape[:2])
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        write_jpeg(PAINTINGS / f"{name}.jpg", small, quality=78)
    for path in PAINTINGS.glob("*.jpg"):
        if path.stem not in Zoo().styles():
            path.unlink()


def screenshots(chromium: str) -> None:
    """Every place at three sizes, light and dark."""
    from playwright.sync_api import sync_playwright

    options = StudioOptions(provider="cpu", cameras=(("Camera", "test://1280x720@10"),))
    with (
        StudioServer("127.0.0.1", 0, options=options, web=WebOptions()) as server,
        sync_playwright() as driver,
    ):
        flags = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
        browser = driver.chromium.launch(executable_path=chromium, args=flags)
        for scheme in ("light", "dark"):
            for screen, (width, height) in SCREENS.items():
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=1
                )
                tab = context.new_page()
                tab.set_default_timeout(WAIT_MS)
                for place in ("photo", "styles", "live"):
                    show(tab, server.url, place)
                    png = np.frombuffer(tab.screenshot(), np.uint8)
                    image = cv2.imdecode(png, cv2.IMREAD_COLOR)
                    quality = 68 if screen == "screen" else 78
                    write_jpeg(IMAGES / f"studio-{place}-{screen}-{scheme}.jpg", image, quality=quality)
                context.close()
        browser.close()


def show(page: Any, url: str, place: str) -> None:
    """Brings a tab to a place and waits for its pictures."""
    if place == "photo":
        page.goto(url)
        page.get_by_role("button", name="Try ours").click()
        page.wait_for_selector(".compare img.after[src^=blob]")
        done = "[...document.querySelectorAll('.strip img')].every((i) => i.src.startsWith('blob:') && i.complete)"
        while not page.evaluate(done):
            page.wait_for_timeout(200)
        page.locator(".compare input").fill("38")
        return
    page.evaluate(f"location.hash = '#{place}'")
    if place == "live":
        page.get_by_role("button", name="Camera", exact=True).click()
    page.wait_for_timeout(4000)


def write_jpeg(path: Path, image: np.ndarray, *, quality: int) -> None:
    """Writes a JPEG of a picture, uint8 [H, W, 3] BGR."""
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.tobytes())


if __name__ == "__main__":
    if sys.argv[1:2] == ["paintings"] and len(sys.argv) > 2:
        paintings([Path(name) for name in sys.argv[2:]])
    elif sys.argv[1:2] == ["screenshots"]:
        screenshots(*(sys.argv[2:3] or ["chromium"]))
    else:
        raise SystemExit(__doc__)
