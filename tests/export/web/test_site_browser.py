"""A site in a real browser: Debian's Chromium, headless, with its fake camera, and WebAssembly."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
import time

import cv2
import numpy as np
import pytest

from artrt.engine.frame import read_image
from artrt.engine.sources.scene import PHOTO
from artrt.engine.zoo.style import Style, mix, save_style
from artrt.engine.zoo.zoo import Zoo
from artrt.export.folder import export_folder
from artrt.export.transformer_parity import cpu_stage
from support.contrast import CONTRAST

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]
READY = ".means >> text=On this device: WebAssembly"


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium (apt-get install chromium)")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, timeout=120_000)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def site(real_runtime, tmp_path_factory):
    """The shipped network with two styles, as a folder for any static host."""
    folder = tmp_path_factory.mktemp("browser") / "site"
    styles = tuple(Zoo().styles()[:2])
    export_folder(folder, format="web", styles=styles, runtime=real_runtime, webgpu=False, verify=False)
    return folder


UNNAMED = """() => [...document.querySelectorAll("button, select, input")]
  .filter((one) => !one.labels?.length && !one.ariaLabel && !one.textContent.trim()).map((one) => one.outerHTML)"""


class Host:
    """A static host that sets no headers, as `python -m http.server`; it can go away."""

    def __init__(self, folder):
        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

        made = functools.partial(Handler, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), made)
        self.name = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def host(site):
    running = Host(site)
    yield running
    running.stop()


@pytest.fixture
def tab(browser, host):
    """A visitor's page; it must end without errors, and without asking any other host."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(90_000)
    failures, hosts = [], set()
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda message: message.type in ("error", "warning") and failures.append(message.text))
    context.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.goto(f"http://{host.name}/")
    page.wait_for_selector(READY)
    yield page
    context.close()
    assert failures == []
    assert hosts - {""} == {host.name}


def eventually(condition, *, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.1)


def choose(tab, *paths):
    with tab.expect_file_chooser() as chooser:
        tab.get_by_role("button", name="Choose a photograph").click()
    chooser.value.set_files([str(path) for path in paths])


def kept(tab):
    """What "Save full size" saves as a PNG, uint8 BGR, and its name."""
    tab.get_by_label("Format").select_option("image/png")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save full size").click()
    return cv2.imread(str(download.value.path())), download.value.suggested_filename


def test_a_photograph_is_painted_as_the_engine_paints_it(tab, site, tmp_path):
    photo = np.ascontiguousarray(
        read_image(PHOTO)[:401, :510]
    )  # smaller than what is painted, and no round number
    cv2.imwrite(str(tmp_path / "a.png"), photo)
    assert tab.evaluate("crossOriginIsolated")  # though the host sends no headers
    choose(tab, tmp_path / "a.png")
    tab.locator(".thumb[aria-current=true][title='a.png']").wait_for()
    first, second = Zoo().styles()[:2]
    stage = cpu_stage(site / "stylize.onnx", tmp_path)
    tab.locator(f".style[data-name={second}]").click()
    tab.get_by_label("Brush size").fill("2")
    tab.get_by_label("Blend", exact=True).fill("0.25")
    tab.get_by_label("Blend with").select_option(first)
    image, name = kept(tab)
    assert name == "a-painted.png"
    vectors = [Zoo().style(style).vector for style in (second, first)]
    stroke = float(tab.get_by_label("Brush size").input_value())
    expected = stage(
        photo, style=np.float32(0.75) * vectors[0] + np.float32(0.25) * vectors[1], stroke=stroke
    )
    assert image.shape == photo.shape
    assert cv2.PSNR(expected, photo) < 25  # painted it is
    assert cv2.PSNR(image, expected) >= 40


def test_a_style_file_is_a_style_at_once(tab, tmp_path):
    first, second = (Zoo().style(name) for name in Zoo().styles()[:2])
    save_style(tmp_path / "mine.safetensors", mix([first, second], [0.5, 0.5]))
    save_style(tmp_path / "other.safetensors", Style("other", first.vector, trunk="another network"))
    choose(tab, tmp_path / "other.safetensors")
    tab.locator("#say", has_text="belongs to another network").wait_for()
    choose(tab, tmp_path / "mine.safetensors")
    tile = tab.locator(".style[aria-checked=true]")
    eventually(lambda: tile.get_attribute("data-name") == "own mine")
    eventually(lambda: tile.locator("img").get_attribute("src").startswith("blob:"))
    assert tab.locator(".style").count() == 3


def test_the_camera_is_painted_and_moves(tab):
    tab.get_by_role("link", name="Camera").click()
    tab.get_by_role("button", name="Start the camera").click()
    tab.get_by_label("Strength").fill("0.5")
    rate = tab.get_by_label("Pictures a second")
    eventually(lambda: rate.inner_text().endswith("fps"))

    def shot():
        return cv2.imdecode(np.frombuffer(tab.locator("canvas").screenshot(), np.uint8), cv2.IMREAD_COLOR)

    first = shot()
    assert first.std() > 10
    eventually(lambda: np.abs(shot().astype(int) - first).max() > 40)
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Snapshot").click()
    assert min(cv2.imread(str(download.value.path())).shape[:2]) in (270, 360)


def test_without_a_network_after_the_first_visit(tab, host):
    host.stop()
    host.stop = lambda: None
    tab.reload()
    tab.wait_for_selector(READY)
    eventually(lambda: tab.evaluate("document.querySelector('img.after').src.startsWith('blob:')"))
    tiles = (
        "[...document.querySelectorAll('.strip img')].every((image) => image.complete && image.naturalWidth)"
    )
    assert tab.evaluate(tiles)
    assert kept(tab)[0].shape == (512, 512, 3)


@pytest.mark.parametrize(("scheme", "width"), [("dark", 390), ("light", 1280)])
def test_every_width_has_names_contrast_and_no_scrolling_sideways(browser, host, scheme, width):
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    tab = context.new_page()
    for place in ("photo", "camera"):
        tab.goto(f"http://{host.name}/?backend=wasm#{place}")
        tab.wait_for_selector(".panel")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, place
        assert tab.evaluate(UNNAMED) == [], place
        assert tab.evaluate(CONTRAST) == [], place
    context.close()
