"""The page in a real browser: Debian's Chromium, headless."""

from __future__ import annotations

import shutil
import time

import cv2
import numpy as np
import pytest

from artrt.engine.sinks import WebOptions
from artrt.engine.sinks.web.options import RecordingQuota
from support.contrast import CONTRAST
from support.page import page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu"]


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium (apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"], timeout=120_000
        )
        yield chromium
        chromium.close()


def shot(tab, place="#picture") -> np.ndarray:
    """uint8 [H, W, 3], BGR: the element as the browser shows it."""
    return cv2.imdecode(np.frombuffer(tab.locator(place).screenshot(), np.uint8), cv2.IMREAD_COLOR)


def eventually(condition, *, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.1)


def dominant(tab) -> int:
    return int(shot(tab)[40:].mean(axis=(0, 1)).argmax())


def opened(browser, url, **options):
    tab = browser.new_page(**options)
    tab.set_default_timeout(90_000)
    tab.failures = []
    tab.on("pageerror", lambda error: tab.failures.append(str(error)))
    tab.on("console", lambda message: message.type == "error" and tab.failures.append(message.text))
    tab.hosts = set()
    tab.on("request", lambda request: tab.hosts.add(request.url.split("/")[2] if "//" in request.url else ""))
    tab.goto(url, wait_until="commit")
    tab.wait_for_selector("#styles button")
    return tab


def test_the_page_in_a_browser(browser):
    with page() as (sink, pipeline, _):
        tab = opened(browser, sink.url, viewport={"width": 1200, "height": 800})
        eventually(lambda: shot(tab).std() > 1)
        first = shot(tab)
        eventually(lambda: np.abs(shot(tab).astype(int) - first)[60:].max() > 20)

        assert dominant(tab) == 0
        tab.click("#styles button[data-name=green]")
        eventually(lambda: dominant(tab) == 1)
        assert pipeline.controls.state.style == "green"

        frames = tab.locator("#statistics dd").all_inner_texts()
        eventually(lambda: tab.locator("#statistics dd").all_inner_texts() != frames)
        assert "320 × 180" in tab.locator("#statistics").inner_text()

        tab.locator("#strength").fill("0.3")
        eventually(lambda: pipeline.controls.state.numbers["strength"] == 0.3)
        for strength in (0, 0.3):
            tab.click("#unstyled")
            eventually(lambda wanted=strength: pipeline.controls.state.numbers["strength"] == wanted)
            eventually(
                lambda on=strength == 0: tab.get_attribute("#unstyled", "aria-pressed") == str(on).lower()
            )
        tab.click("#reset")
        eventually(lambda: pipeline.controls.state.numbers["strength"] == 1)
        tab.select_option("#second", "red")
        tab.locator("#blend").fill("0.4")
        eventually(lambda: pipeline.controls.state.style == "green:0.60+red:0.40")
        pipeline.set(style="red:0.25+blue:0.75")
        eventually(lambda: tab.locator("#blend").input_value() == "0.75")
        assert tab.locator("#second").input_value() == "blue"
        shown = "document.getElementById('background').parentElement.checkVisibility()"
        assert tab.evaluate(shown) == ("keep_background" in pipeline.controls.state.numbers)
        tab.mouse.wheel(0, 2000)
        assert tab.locator("#stage").bounding_box()["y"] >= 0  # the picture stays in view
        tab.click("#effect-quantize button")
        eventually(lambda: pipeline.controls.state.switches["quantize"])
        thumbnails = "[...document.querySelectorAll('#styles img')].every((i) => i.naturalWidth > 0)"
        eventually(lambda: tab.evaluate(thumbnails))
        with tab.expect_download() as download:
            tab.click("#snapshot")
        assert download.value.suggested_filename.endswith(".png")
        assert tab.failures == []
        assert {host for host in tab.hosts if host and not host.startswith("127.0.0.1:")} == set()
        tab.close()


def test_one_viewer_compares_with_the_original(browser):
    with page() as (sink, _, client):
        tab = opened(browser, sink.url)
        eventually(lambda: tab.locator("#badge").inner_text().endswith("fps"))

        def blue():
            return dominant(tab) == 0 and shot(tab)[60:, :, 1:].mean() < 60

        eventually(blue)
        tab.click("#compare")
        eventually(lambda: not blue())
        assert tab.locator("#badge").inner_text() == "original"
        assert tab.get_attribute("#compare", "aria-pressed") == "true"
        painted = cv2.imdecode(np.frombuffer(client.get("/snapshot.png").body, np.uint8), cv2.IMREAD_COLOR)
        assert painted[..., 1:].mean() < 60  # the others see the painting
        tab.click("#compare")
        eventually(blue)
        tab.locator("#compare").hover()
        tab.mouse.down()
        eventually(lambda: not blue())
        tab.wait_for_timeout(500)
        tab.mouse.up()
        eventually(blue)
        assert tab.get_attribute("#compare", "aria-pressed") == "false"
        for pressed in ("true", "false"):
            tab.keyboard.press("o")
            assert tab.get_attribute("#compare", "aria-pressed") == pressed
        eventually(blue)
        assert tab.failures == []
        tab.close()


def test_amounts_of_effects(browser):
    with page() as (sink, pipeline, _):
        tab = opened(browser, sink.url)
        eventually(lambda: tab.locator("#effect-quantize output").inner_text() == "16")
        tab.locator("#effect-quantize input").fill("1")
        eventually(lambda: pipeline.controls.state.amounts["colors"].value == 256)
        assert pipeline.controls.state.switches["quantize"]
        pipeline.set(colors=2)
        tab.locator("#reset").focus()
        eventually(lambda: tab.locator("#effect-quantize output").inner_text() == "2")
        assert tab.locator("#effect-superpixels").count() == 0  # this pipeline has none
        tab.close()


def test_titles_painters_and_years(browser):
    with page() as (sink, _, _client):
        tab = opened(browser, sink.url)
        assert tab.locator("#styles button[data-name=blue]").inner_text().splitlines() == [
            "Étude in Blue",
            "A. Painter, about 1901",
        ]
        assert tab.locator("#styles button[data-name=green]").inner_text().strip() == "Meadow"
        assert tab.locator("#second option").all_inner_texts() == ["Étude in Blue", "Meadow", "Red"]
        tab.close()


def test_recordings_are_downloaded_and_deleted(browser, tmp_path):
    options = WebOptions(recordings=RecordingQuota(folder=tmp_path))
    with page(options=options) as (sink, pipeline, _):
        tab = opened(browser, sink.url)
        eventually(lambda: tab.locator("#badge").inner_text().endswith("fps"))
        assert not tab.locator("#recordings").is_visible()
        tab.click("#record")
        eventually(
            lambda: any(sink.written > 5 for name, sink in pipeline.stats().sinks.items() if "mp4" in name)
        )
        tab.click("#record")
        tab.wait_for_selector("#recordings a")
        with tab.expect_download() as download:
            tab.click("#recordings a")
        (path,) = tmp_path.iterdir()
        assert download.value.suggested_filename == path.name
        assert download.value.path().read_bytes() == path.read_bytes()
        tab.click("#recordings button")
        eventually(lambda: not tab.locator("#recordings").is_visible())
        assert list(tmp_path.iterdir()) == []
        tab.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_every_width_has_contrast_and_no_scrolling_sideways(browser, width, scheme):
    with page() as (sink, _, _client):
        tab = opened(browser, sink.url, viewport={"width": width, "height": 900}, color_scheme=scheme)
        eventually(lambda: tab.locator("#badge").inner_text().endswith("fps"))
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate(CONTRAST) == []
        tools = {button.bounding_box()["y"] for button in tab.locator("#tools button").all()}
        assert len(tools) == 1  # in one row, so that the picture has room
        assert tab.failures == []
        tab.close()


def test_the_page_by_keyboard(browser):
    with page() as (sink, pipeline, _):
        tab = opened(browser, sink.url)
        eventually(lambda: tab.locator("#badge").inner_text().endswith("fps"))
        tab.keyboard.press("n")
        eventually(lambda: pipeline.controls.state.style == "green")
        tab.locator("#styles button[data-name=green][aria-checked=true]").focus()
        tab.keyboard.press("ArrowRight")
        eventually(lambda: pipeline.controls.state.style == "red")
        tab.locator("body").click(position={"x": 2, "y": 2})
        tab.keyboard.press(" ")
        eventually(lambda: pipeline.paused)
        tab.close()


def test_hasty_keys_are_all_counted(browser):
    with page() as (sink, pipeline, _):
        tab = opened(browser, sink.url)
        eventually(lambda: tab.locator("#badge").inner_text().endswith("fps"))
        tab.evaluate(
            "for (let i = 0; i < 2; i++) document.dispatchEvent(new KeyboardEvent('keydown', {key: 'n'}))"
        )
        eventually(lambda: pipeline.controls.state.style == "red")
        tab.close()


def test_the_page_over_webrtc(browser):
    pytest.importorskip("aiortc")
    with page() as (sink, _, _client):
        tab = opened(browser, sink.url)
        eventually(lambda: tab.locator("#badge").inner_text().endswith("fps"))
        tab.select_option("#transport", "webrtc")
        eventually(lambda: tab.evaluate("document.getElementById('video').videoWidth") == 320)
        eventually(lambda: tab.locator("#video").is_visible())
        assert not tab.locator("#picture").is_visible()
        before = tab.evaluate("document.getElementById('video').currentTime")
        eventually(lambda: tab.evaluate("document.getElementById('video').currentTime") > before)
        tab.close()


def test_the_page_on_a_phone_in_the_dark(browser):
    with page(host="0.0.0.0") as (sink, _, client):
        url = f"http://127.0.0.1:{client.port}/?token={sink.token}"
        tab = opened(browser, url, viewport={"width": 390, "height": 844}, color_scheme="dark")
        eventually(lambda: tab.locator("#badge").inner_text().endswith("fps"))
        assert "token" not in tab.url
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(int(part) for part in background.strip("rgb()").split(",")) < 60
        small = [b for b in tab.locator("button").all() if b.bounding_box()["height"] < 40]
        assert small == []
        tab.close()
