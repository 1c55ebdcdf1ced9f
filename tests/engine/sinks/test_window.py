"""The window on a real X server, with real key presses."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from artrt.engine.errors import OutputError
from artrt.engine.looks.controls import Controls
from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.sinks import open_sink
from artrt.engine.sinks.hud import draw_text, hud_lines, split_view
from artrt.engine.sinks.window import WindowSink
from artrt.engine.sources import SourceInfo
from artrt.engine.statistics import Stats
from support.clips import probe

# A pipeline whose three styles are flat colours; prints its controls when they change.
PROGRAM = """
import json, sys, time, numpy as np
from pathlib import Path
from artrt.engine.looks.controls import Controls
from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.sinks.window import WindowSink

COLOURS = {"blue": [255, 0, 0], "green": [0, 255, 0], "red": [0, 0, 255]}

def stylize(image, style=None, strength=1.0):
    return np.clip((1 - strength) * image + strength * style, 0, 255).astype(np.uint8)
stylize.controls = ("style", "strength")

def quantize(image):
    return image
quantize.name = "quantize"

def superpixels(image):
    return image
superpixels.name = "superpixels"

controls = Controls(styles=list(COLOURS), resolve=lambda name: np.array(COLOURS[name], np.float32), style="blue",
                    switches={"quantize": False, "superpixels": False})
window = WindowSink(folder=Path(sys.argv[1]), recording=Path(sys.argv[1]) / "show.mp4", hud=False)
pipeline = Pipeline("test://320x240@20", [quantize, superpixels, stylize], [window], controls=controls)

last = None
def report(stats):
    global last
    state = controls.state
    now = json.dumps([state.style, state.numbers, state.switches, pipeline.paused, stats.frames_out > 0])
    if now != last:
        last = now
        print(now, flush=True)

print("end", pipeline.run(on_progress=report).frames_out, flush=True)
"""


@pytest.fixture
def screen(monkeypatch):
    if shutil.which("Xvfb") is None or shutil.which("xdotool") is None:
        pytest.skip("needs Xvfb and xdotool")
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-noreset", "-displayfd", str(write), "-screen", "0", "640x480x24"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as answer:
        display = f":{answer.readline().strip()}"
    monkeypatch.setenv("DISPLAY", display)
    yield display
    server.terminate()
    server.wait(10)


class Player:
    """The program, its output, and keys for it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        os.set_blocking(self.process.stdout.fileno(), False)
        self.lines: list[str] = []
        self.window = ""

    def until(self, condition, *, seconds=60.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"did not happen; output was {self.lines}"
            self.lines += [line.strip() for line in self.process.stdout.readlines()]
            time.sleep(0.02)

    def says(self, text, *, seconds=60.0):
        self.until(lambda: self.lines and text in self.lines[-1], seconds=seconds)

    def shows(self, colour):
        """Waits for the first picture.

        Where no window manager maps the window, Qt now and then misses that it was mapped: then it is done again.
        """
        tried = time.monotonic()

        def seen():
            nonlocal tried
            if time.monotonic() - tried > 4:
                for action in ("windowunmap", "windowmap"):
                    subprocess.run(["xdotool", action, self.window], check=True, capture_output=True)
                tried = time.monotonic()
            return tuple(screenshot()[200, 200]) == colour

        self.until(seen)

    def find_window(self):
        def found():
            done = subprocess.run(["xdotool", "search", "--name", "^artrt$"], capture_output=True, text=True)
            self.window = done.stdout.split()[0] if done.stdout.split() else ""
            return self.window

        self.until(found)

    def key(self, name):
        subprocess.run(["xdotool", "key", "--window", self.window, name], check=True, capture_output=True)

    def close_window(self):
        """Does what a window manager does when its close button is pressed."""
        script = CLOSE.format(window=int(self.window))
        subprocess.run([sys.executable, "-c", script], check=True, timeout=30)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


CLOSE = """
import ctypes

class ClientMessage(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("sent", ctypes.c_int),
                ("display", ctypes.c_void_p), ("window", ctypes.c_ulong), ("kind", ctypes.c_ulong),
                ("format", ctypes.c_int), ("data", ctypes.c_long * 5), ("rest", ctypes.c_long * 24)]

x11 = ctypes.CDLL("libX11.so.6")
x11.XOpenDisplay.restype = ctypes.c_void_p
x11.XInternAtom.restype = ctypes.c_ulong
display = ctypes.c_void_p(x11.XOpenDisplay(None))
protocols, delete = (x11.XInternAtom(display, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW"))
message = ClientMessage(33, 0, 1, display, {window}, protocols, 32, (ctypes.c_long * 5)(delete))
x11.XSendEvent(display, ctypes.c_ulong({window}), 0, ctypes.c_long(0), ctypes.byref(message))
x11.XFlush(display)
"""


def screenshot() -> np.ndarray:
    """uint8 [H, W, 3], BGR: the whole screen."""
    mss = pytest.importorskip("mss")
    with mss.MSS() as grabber:
        return np.asarray(grabber.grab(grabber.monitors[0]))[:, :, :3]


def test_keys_and_picture(screen, tmp_path):
    player = Player(tmp_path)
    try:
        player.find_window()
        player.says("true]")
        player.shows((255, 0, 0))
        player.key("n")
        player.says('"green"')
        player.until(lambda: tuple(screenshot()[200, 200]) == (0, 255, 0))
        player.key("3")
        player.says('"red"')
        player.key("p")
        player.says('"green"')
        player.key("minus")
        player.says('"strength": 0.9')
        player.key("plus")
        player.says('"strength": 1.0')
        player.key("k")
        player.says('"keep_salient": 1.0')
        player.key("c")
        player.says('"quantize": true')
        player.key("x")
        player.says('"superpixels": true')
        player.key("space")
        player.says("true, true]")
        player.key("space")
        player.says("false, true]")
        player.key("o")
        player.until(lambda: tuple(screenshot()[200, 60]) != (0, 255, 0))
        player.key("h")
        player.key("question")
        player.until(lambda: (screenshot()[:60, :160] == 255).all(axis=2).any())
        player.key("s")
        player.until(lambda: list(tmp_path.glob("artrt-*.png")))
        assert list(tmp_path.glob(".artrt-*")), "the recording begins with the window"
        player.key("r")
        player.until(lambda: (tmp_path / "show.mp4").exists())
        player.key("r")
        player.until(lambda: list(tmp_path.glob(".artrt-*")))
        player.key("r")
        player.until(lambda: (tmp_path / "show-2.mp4").exists())
        assert probe(tmp_path / "show-2.mp4").start < 0.1
        player.key("f")
        player.key("Escape")
        assert player.process.wait(30) == 0
    finally:
        player.end()


def test_closing_the_window_ends_it(screen, tmp_path):
    player = Player(tmp_path)
    try:
        player.find_window()
        player.says("true]")
        player.shows((255, 0, 0))
        player.close_window()
        assert player.process.wait(30) == 0
        assert probe(tmp_path / "show.mp4").frames > 0
    finally:
        player.end()


def test_no_screen_is_said(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(OutputError, match="--headless"):
        open_sink("display://").open(SourceInfo("x", live=True))


def test_an_error_behind_a_key_is_shown_and_not_raised(tmp_path):
    window = WindowSink(folder=tmp_path / "file" / "missing")
    (tmp_path / "file").write_text("in the way")
    pipeline = Pipeline("test://64x48@10", [])
    window.attach(pipeline)
    window.press("r")
    window.press("~")
    assert window._notice[1] != ""
    pipeline.stop()


def test_hud_shows_what_matters():
    stats = Stats(fps_in=30, fps_out=24.9, width=640, height=360, provider="cpu", dropped={"stages busy": 7})
    state = Controls(switches={"quantize": True, "stylize": True}).state
    text = "\n".join(hud_lines(stats, state, recording="a.mp4", paused=True, age_ms=41.6))
    for part in (
        "24.9 fps of 30.0",
        "640x360",
        "cpu",
        "age 42 ms",
        "dropped 7",
        "quantize",
        "paused",
        "a.mp4",
    ):
        assert part in text


@pytest.mark.parametrize(("width", "height"), [(640, 360), (1920, 1080), (64, 48), (8, 8)])
def test_text_leaves_the_picture_alone_outside(width, height):
    image = np.full((height, width, 3), 200, np.uint8)
    drawn = draw_text(image, ["hello", "world"])
    assert (image == 200).all()
    assert drawn.shape == image.shape
    assert (drawn[: height // 3] != 200).any()
    if height > 300:
        assert (drawn[height // 2 :] == 200).all()


def test_split_view_has_both_halves():
    original, styled = np.full((10, 20, 3), 50, np.uint8), np.full((10, 20, 3), 90, np.uint8)
    view = split_view(original, styled)
    assert (view[:, :9] == 50).all()
    assert (view[:, 11:] == 90).all()
    assert split_view(original[:5], styled) is styled
