"""The studio in a real browser: Debian's Chromium, headless, with its fake camera."""

from __future__ import annotations

import shutil
import time

import cv2
import numpy as np
import pytest

from support.clips import make_clip
from support.contrast import CONTRAST
from support.studio import picture_file

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium (apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, timeout=120_000)
        yield chromium
        chromium.close()


@pytest.fixture
def tab(browser, running):
    """A visitor's page; it must end without errors, and without asking any other host."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(60_000)
    failures, hosts = [], set()
    page.failures = failures
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda message: message.type == "error" and failures.append(message.text))
    page.on(
        "request", lambda request: hosts.add(request.url.split("/")[2] if "://" in request.url[:8] else "")
    )
    page.goto(running.url)
    page.wait_for_selector("main > *")
    yield page
    context.close()
    assert failures == []
    assert hosts - {""} == {f"127.0.0.1:{running.port}"}


def eventually(condition, *, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.1)


def shot(tab, place: str) -> np.ndarray:
    """uint8 [H, W, 3], BGR: the element as the browser shows it."""
    return cv2.imdecode(np.frombuffer(tab.locator(place).first.screenshot(), np.uint8), cv2.IMREAD_COLOR)


def tone(tab, place: str = "img.after") -> float:
    image = shot(tab, place)
    return float(np.median(image[len(image) // 2 :]))


def file(tmp_path, name="a.png", data: bytes | None = None) -> str:
    path = tmp_path / name
    path.write_bytes(picture_file(240, 320) if data is None else data)
    return str(path)


def bring(tab, button: str, *paths: str) -> None:
    with tab.expect_file_chooser() as chooser:
        tab.get_by_role("button", name=button, exact=True).click()
    chooser.value.set_files(list(paths))


def test_photo_is_painted_compared_and_saved(tab, tmp_path):
    bring(tab, "Choose", file(tmp_path))
    tab.wait_for_selector("img.after[src^=blob]")
    eventually(lambda: tone(tab) == pytest.approx(102, abs=3))  # starry-night, the one it begins with
    tab.locator(".style[data-name=udnie]").click()
    eventually(lambda: tone(tab) == pytest.approx(204, abs=3))
    tiles = (
        "[...document.querySelectorAll('.strip img')].every((i) => i.src.startsWith('blob:') && i.complete)"
    )
    eventually(lambda: tab.evaluate(tiles))
    tab.get_by_label("Strength").fill("0")
    eventually(lambda: tone(tab) == pytest.approx(90, abs=3))
    tab.get_by_label("Strength").fill("1")
    tab.get_by_label("Compare with the original").fill("100")
    assert tone(tab, ".compare") == pytest.approx(90, abs=3)
    tab.get_by_label("Format").select_option("png")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save full size").click()
    assert download.value.suggested_filename == "a-painted.png"
    image = cv2.imread(str(download.value.path()))
    assert image.shape == (240, 320, 3)
    assert np.median(image) == pytest.approx(204, abs=1)


def test_photographs_and_queue_survive_a_reload(tab, tmp_path):
    bring(tab, "Choose", file(tmp_path), file(tmp_path, "b.png"))
    eventually(lambda: tab.locator(".thumb").count() == 2)
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save all as zip").click()
    assert download.value.suggested_filename == "painted.zip"
    tab.reload()
    tab.wait_for_selector("img.after[src^=blob]")
    eventually(lambda: tab.locator(".thumb").count() == 2)
    assert tab.locator(".job[data-state=done]").inner_text().startswith("2 photographs")


def test_photo_by_keyboard_alone(tab, tmp_path):
    with tab.expect_file_chooser() as chooser:
        for _ in range(30):
            tab.keyboard.press("Tab")
            if tab.evaluate("document.activeElement.textContent") == "Choose":
                break
        tab.keyboard.press("Enter")
    chooser.value.set_files(file(tmp_path))
    tab.wait_for_selector("img.after[src^=blob]")
    tab.locator(".style[aria-checked=true]").focus()
    tab.keyboard.press("ArrowRight")  # the-scream
    eventually(lambda: tone(tab) == pytest.approx(153, abs=3))
    assert tab.evaluate("document.activeElement.dataset.name") == "the-scream"
    tab.keyboard.press("n")
    eventually(lambda: tone(tab) == pytest.approx(204, abs=3))
    tab.get_by_label("Compare with the original").focus()
    tab.keyboard.press("End")
    assert tone(tab, ".compare") == pytest.approx(90, abs=3)


def test_what_is_no_picture_is_told(tab, tmp_path):
    bring(tab, "Choose", file(tmp_path, "a.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>" + bytes(40)))
    tab.locator("#say", has_text="not a picture").wait_for()
    assert len(tab.failures) == 1  # the browser itself reports the answer 400
    tab.failures.clear()


def test_a_video_is_cancelled_and_another_finished(tab, tmp_path):
    tab.get_by_role("link", name="Video").click()
    long = make_clip(tmp_path / "long.mp4", frames=110, rate=30, width=320, height=240)
    bring(tab, "Choose", str(long))
    tab.wait_for_selector("img.after[src^=blob]")
    tab.get_by_role("button", name="Paint the video").click()
    tab.get_by_role("button", name="Cancel long").click()
    tab.locator(".job[data-state=cancelled]").wait_for()
    bring(tab, "Add", str(make_clip(tmp_path / "short.mp4", frames=8)))
    eventually(lambda: tab.locator(".thumb").count() == 2)
    tab.get_by_role("button", name="Paint the video").click()
    tab.locator(".job[data-state=done]").wait_for()
    eventually(lambda: tab.evaluate("document.querySelector('.canvas video')?.videoWidth") == 64)
    tab.reload()
    eventually(lambda: tab.locator(".job").count() == 2)


def test_a_painting_is_used_and_trained(tab, tmp_path):
    bring(tab, "Choose", file(tmp_path))
    tab.wait_for_selector("img.after[src^=blob]")
    tab.get_by_role("link", name="Styles").click()
    bring(tab, "Add a painting", file(tmp_path, "irises.png", picture_file(80, 120, value=30)))
    own = tab.locator(".work", has_text="irises")
    own.get_by_role("button", name="Train").click()
    failed = tab.locator(".job[data-state=failed]")
    failed.wait_for()
    assert "no loss network here" in failed.inner_text()
    assert "Get one" not in failed.inner_text()
    own.get_by_role("button", name="Paint in irises").click()
    tab.wait_for_selector("img.after[src^=blob]")
    eventually(lambda: tone(tab) == pytest.approx(44, abs=8))  # the mean of its picture


def test_a_painting_is_used_from_where_one_is(tab, tmp_path):
    bring(tab, "Choose", file(tmp_path))
    tab.wait_for_selector("img.after[src^=blob]")
    bring(tab, "Use a painting as a style", file(tmp_path, "irises.png", picture_file(80, 120, value=30)))
    chosen = tab.locator(".style[aria-checked=true]")
    chosen.filter(has_text="irises").wait_for()
    eventually(lambda: tone(tab) == pytest.approx(44, abs=8))
    tab.get_by_role("link", name="Live").click()
    tab.get_by_role("button", name="Front door").click()
    rate = tab.get_by_label("Frames per second")
    eventually(lambda: rate.inner_text() != "")
    bring(tab, "Use a painting as a style", file(tmp_path, "dunes.png", picture_file(80, 120, value=200)))
    chosen.filter(has_text="dunes").wait_for()
    assert tab.locator("h1").inner_text() == "dunes"
    assert tab.locator("canvas").is_visible()  # the camera goes on


def test_a_phone_in_the_dark(browser, running, tmp_path):
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    tab = context.new_page()
    tab.goto(running.url)
    bring(tab, "Choose", file(tmp_path))
    tab.wait_for_selector("img.after[src^=blob]")
    for place in ("photo", "video", "live", "styles"):
        tab.goto(f"{running.url}#{place}")
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390, place
        background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(int(part) for part in background.strip("rgb()").split(",")) < 60
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(browser, running, scheme):
    """AA: 4.5 between every text and what is behind it."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
    tab = context.new_page()
    tab.goto(running.url)
    tab.wait_for_selector(".panel")
    poor = tab.evaluate(CONTRAST)
    context.close()
    assert poor == []


def test_the_own_camera_is_painted_and_moves(tab):
    tab.get_by_role("link", name="Live").click()
    tab.get_by_role("button", name="Start your camera").click()
    tab.get_by_label("Steadiness").fill("0")
    tab.get_by_label("Strength").fill("0.5")
    eventually(lambda: tab.get_by_label("Frames per second").inner_text() != "")
    first = shot(tab, "canvas")
    eventually(lambda: np.abs(shot(tab, "canvas").astype(int) - first).max() > 20)
    tab.locator(".panel h1").click()
    tab.keyboard.press("4")  # udnie
    tab.get_by_label("Strength").fill("1")
    eventually(lambda: np.median(shot(tab, "canvas")) == pytest.approx(204, abs=3))
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Snapshot").click()
    assert download.value.suggested_filename.endswith(".png")
    tab.get_by_role("button", name="Record").click()
    time.sleep(0.5)
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Record").click()
    assert download.value.suggested_filename.endswith(".webm")


def test_a_camera_of_the_server_by_its_name(tab):
    tab.get_by_role("link", name="Live").click()
    tab.get_by_role("button", name="Front door").click()
    eventually(lambda: np.median(shot(tab, "canvas")) == pytest.approx(102, abs=3))
    assert spread(tab) < 5
    tab.keyboard.press("o")  # the original beside it
    eventually(lambda: spread(tab) > 10)
    assert np.median(shot(tab, "canvas")[:, -60:]) == pytest.approx(102, abs=3)
    tab.keyboard.press("o")
    eventually(lambda: spread(tab) < 5)
    tab.get_by_role("button", name="Full screen").click()
    eventually(lambda: tab.evaluate("document.fullscreenElement?.contains(document.querySelector('canvas'))"))
    tab.keyboard.press("f")
    eventually(lambda: tab.evaluate("document.fullscreenElement") is None)


def spread(tab) -> float:
    """How much differs within the left part of the live picture, inside its rounded corners."""
    return float(shot(tab, "canvas")[60:-60, 30:150].std())


@pytest.mark.parametrize("way", ["paste", "drop"])
def test_a_photograph_is_pasted_or_dropped(tab, way):
    arrive = """async ([way, bytes]) => {
      const files = new DataTransfer();
      files.items.add(new File([new Uint8Array(bytes)], "pasted.png", { type: "image/png" }));
      const event = way === "paste"
        ? new ClipboardEvent("paste", { clipboardData: files, bubbles: true })
        : new DragEvent("drop", { dataTransfer: files, bubbles: true });
      document.querySelector("main").dispatchEvent(event);
    }"""
    tab.evaluate(arrive, [way, list(picture_file(240, 320))])
    tab.wait_for_selector("img.after[src^=blob]")
    eventually(lambda: tone(tab) == pytest.approx(102, abs=3))
