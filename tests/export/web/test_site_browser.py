"""A site in a real browser: Debian's Chromium, headless, with its fake camera, and WebAssembly."""

from __future__ import annotations

import base64
import functools
import http.server
import json
import shutil
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

import artrt
from artrt.engine.frame import read_image
from artrt.engine.looks.building import build_chain
from artrt.engine.looks.look import Look
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


PAINTING = Path(artrt.__file__).parent / "engine" / "studio" / "page" / "paintings" / "goldfish.jpg"
DROPPED = """([data, name]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: name.endsWith("png") ? "image/png" : "image/jpeg" }));
  return transfer;
}"""
HAS_GPU = """Object.defineProperty(navigator, "gpu", { value: { requestAdapter: async () => ({ info: {} }) } });
"""
PRETENDED = """import * as real from "./ort.wasm.min.js";
export const { env, Tensor } = real;
let left = %d;
export const InferenceSession = { create: async (bytes, options) => {
  const session = await real.InferenceSession.create(bytes, { ...options, executionProviders: ["wasm"] });
  if (options.executionProviders[0] === "wasm") return session;
  const run = (feeds) => {
    left -= 1;
    if (left < 0) throw new Error("the device was lost");
    return session.run(feeds);
  };
  return { run, release: () => session.release() };
} };
"""
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


def drop(tab, path, *, on):
    """Drops a file on one of the two halves that the page shows while a file is held over it."""
    data = tab.evaluate_handle(DROPPED, [base64.b64encode(path.read_bytes()).decode(), path.name])
    tab.locator("#drop").dispatch_event("dragenter", {"dataTransfer": data})
    place = tab.locator(f"#drop [data-as={on}]")
    assert place.is_visible()
    place.dispatch_event("drop", {"dataTransfer": data})
    assert not place.is_visible()


@contextmanager
def pretended_webgpu(site, tmp_path, *, lost_after):
    """A host with a site whose WebGPU build is WebAssembly's, with a GPU that is lost after some pictures."""
    folder = tmp_path / "site"
    shutil.copytree(site, folder)
    ort = folder / "ort"
    for name in ("ort-wasm-simd-threaded.js", "ort-wasm-simd-threaded.wasm"):
        shutil.copyfile(ort / name, ort / name.replace("threaded", "threaded.asyncify"))
    (ort / "ort.webgpu.min.js").write_text(PRETENDED % lost_after)
    (folder / "js" / "runtime.js").write_text(HAS_GPU + (folder / "js" / "runtime.js").read_text())
    manifest = json.loads((folder / "manifest.json").read_text())
    for path in ort.iterdir():
        manifest["files"][f"ort/{path.name}"] = {"bytes": path.stat().st_size}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    listed = json.loads((folder / "files.js").read_text().removeprefix("self.SITE = ").removesuffix(";\n"))
    listed["files"] = [*manifest["files"], "manifest.json"]
    (folder / "files.js").write_text(f"self.SITE = {json.dumps(listed)};\n")
    host = Host(folder)
    yield host
    host.stop()


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


@pytest.mark.parametrize(
    ("numbers", "background"),
    [({"keep_salient": 0.5}, None), ({"keep_salient": 0.25, "keep_background": 0.5}, "blue-dancers")],
)
def test_subject_and_background_are_painted_apart_as_the_engine_does(
    tab, site, tmp_path, numbers, background
):
    photo = np.ascontiguousarray(read_image(PHOTO)[:400, :510])
    cv2.imwrite(str(tmp_path / "a.png"), photo)
    choose(tab, tmp_path / "a.png")
    tab.locator(".thumb[aria-current=true][title='a.png']").wait_for()
    names = {"keep_salient": "Keep the subject", "keep_background": "Keep the background"}
    for name, value in numbers.items():
        tab.get_by_label(names[name]).fill(str(value))
    if background is not None:
        tab.get_by_label("Background", exact=True).select_option(background)
    image, _ = kept(tab)
    style = tab.locator(".style[aria-checked=true]").get_attribute("data-name")
    look = Look(style=style, engine=str(site), background=background, provider="cpu", **numbers)
    with build_chain(look) as chain, build_chain(Look(style=style, provider="cpu")) as plain:
        assert cv2.PSNR(plain(photo), image) < 30  # the subject differs
        assert cv2.PSNR(chain(photo), image) >= 40


@pytest.mark.parametrize("size", [(700, 512), (1900, 2300)])
def test_a_dropped_painting_is_the_style_that_the_engine_reads(tab, site, tmp_path, size):
    painting = cv2.resize(read_image(PAINTING), size, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(tmp_path / "My painting.png"), painting)
    drop(tab, tmp_path / "My painting.png", on="style")
    tile = tab.locator(".style[aria-checked=true]")
    eventually(lambda: tile.get_attribute("data-name") == "own My painting")
    assert tile.locator(".name").inner_text() == "My painting"
    tab.get_by_label("Blend", exact=True).fill("0")
    image, _ = kept(tab)
    style = Zoo(site).style_of_picture(painting)
    photo = read_image(PHOTO)
    assert cv2.PSNR(image, cpu_stage(site / "stylize.onnx", tmp_path)(photo, style=style.vector)) >= 40
    drop(tab, tmp_path / "My painting.png", on="photo")
    tab.locator(".thumb[aria-current=true][title='My painting.png']").wait_for()


def test_a_painting_is_used_without_a_stop_of_the_camera(tab, tmp_path):
    tab.get_by_role("link", name="Camera").click()
    tab.get_by_role("button", name="Start the camera").click()
    rate = tab.get_by_label("Pictures a second")
    eventually(lambda: rate.inner_text().endswith("fps"))
    with tab.expect_file_chooser() as chooser:
        tab.get_by_role("button", name="Use a painting as a style").click()
    chooser.value.set_files(str(PAINTING))
    tile = tab.locator(".style[aria-checked=true]")
    eventually(lambda: tile.get_attribute("data-name") == f"own {PAINTING.stem}")
    assert tab.locator("h1").inner_text() == PAINTING.stem
    assert tab.locator("canvas").is_visible()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Snapshot").click()
    assert cv2.imread(str(download.value.path())).std() > 10


def test_a_small_painting_is_refused_in_one_line(tab, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((50, 80, 3), np.uint8))
    drop(tab, tmp_path / "a.png", on="style")
    tab.locator("#say", has_text="The painting is 80 × 50: 64 pixels are the least").wait_for()


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


def test_styles_of_ones_own_are_there_at_the_next_visit_until_they_are_removed(tab, tmp_path):
    first, second = (Zoo().style(name) for name in Zoo().styles()[:2])
    save_style(tmp_path / "mine.safetensors", mix([first, second], [0.5, 0.5]))
    choose(tab, tmp_path / "mine.safetensors")
    tab.locator(".style[data-name='own mine']").wait_for()
    drop(tab, PAINTING, on="style")
    own = [f"own {PAINTING.stem}", "own mine"]
    tab.locator(f".style[data-name='{own[0]}']").wait_for()
    image, _ = kept(tab)
    tab.reload()
    tab.wait_for_selector(READY)
    assert tab.locator(".style").evaluate_all("all => all.map((one) => one.dataset.name)")[:2] == own
    tab.locator(f".style[data-name='{own[0]}']").click()
    assert cv2.PSNR(kept(tab)[0], image) >= 40
    tab.get_by_role("link", name="Camera").click()
    for name in own:
        tab.locator(f".style[data-name='{name}']").click()
        tab.get_by_role("button", name="Remove").click()
    eventually(lambda: tab.locator(".style").count() == 2)
    tab.reload()
    tab.wait_for_selector(READY)
    assert tab.locator(".style").count() == 2


def test_a_browser_that_keeps_nothing_says_so(tab, tmp_path):
    tab.evaluate("() => { IDBFactory.prototype.open = () => { throw new Error('no storage'); }; }")
    drop(tab, PAINTING, on="style")
    tab.locator("#say", has_text="the style is gone with a reload").wait_for()
    assert tab.locator(".style[aria-checked=true]").get_attribute("data-name") == f"own {PAINTING.stem}"


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


def test_without_a_network_after_the_first_visit(tab, host, tmp_path):
    kept_files = (
        "async () => (await (await caches.open((await caches.keys())[0])).keys()).map((one) => one.url)"
    )
    eventually(lambda: sum(name.endswith(".onnx") for name in tab.evaluate(kept_files)) == 3)
    host.stop()
    host.stop = lambda: None
    tab.reload()
    tab.wait_for_selector(READY)
    eventually(lambda: tab.evaluate("document.querySelector('img.after').src.startsWith('blob:')"))
    tiles = (
        "[...document.querySelectorAll('.strip img')].every((image) => image.complete && image.naturalWidth)"
    )
    assert tab.evaluate(tiles)
    drop(tab, PAINTING, on="style")
    eventually(lambda: tab.locator(".style[aria-checked=true]").get_attribute("data-name").startswith("own"))
    tab.get_by_label("Keep the subject").fill("0.5")
    assert kept(tab)[0].shape == (512, 512, 3)


def test_webgpu_that_fails_while_painting_gives_way_to_webassembly(browser, site, tmp_path):
    with pretended_webgpu(site, tmp_path, lost_after=3) as host:  # two pictures prove it
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        tab = context.new_page()
        tab.set_default_timeout(90_000)
        tab.goto(f"http://{host.name}/")
        tab.locator(".means", has_text="On this device: WebGPU").wait_for()
        painted = "document.querySelector('img.after').src"
        eventually(lambda: tab.evaluate(painted).startswith("blob:"))
        before = tab.evaluate(painted)
        tab.locator(".style[aria-checked=false]").click()
        tab.locator(".means", has_text="WebAssembly").wait_for()
        assert "WebGPU failed: the device was lost" in tab.locator(".means").inner_text()
        eventually(lambda: tab.evaluate(painted) != before)
        assert kept(tab)[0].shape == (512, 512, 3)
        assert tab.locator("#say.alarm").count() == 0
        context.close()


def test_webgpu_that_fails_at_the_start_is_not_used(browser, site, tmp_path):
    with pretended_webgpu(site, tmp_path, lost_after=1) as host:
        tab = browser.new_page()
        tab.set_default_timeout(90_000)
        tab.goto(f"http://{host.name}/")
        tab.locator(".means", has_text="On this device: WebAssembly").wait_for()
        assert "WebGPU failed: the device was lost" in tab.locator(".means").inner_text()
        tab.close()


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
