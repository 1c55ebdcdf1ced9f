from __future__ import annotations

import threading
import time

import numpy as np

from artrt.engine.frame import Frame
from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.sinks import FunctionSink
from artrt.engine.sources import SourceInfo
from artrt.engine.sources.holding import HoldingSource


class Clip:
    """Frames 0, 1, 2, ... of a file."""

    reconnects = 0
    info = SourceInfo("clip", live=False, width=8, height=8)
    closed = False

    def __init__(self, count):
        self._frames = iter(
            [Frame(np.full((8, 8, 3), 10 * k, np.uint8), k, k / 100, time.monotonic()) for k in range(count)]
        )

    def read(self):
        return next(self._frames, None)

    def cancel(self):
        pass

    def close(self):
        self.closed = True


def eventually(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


def test_the_last_picture_stays_and_is_painted_again_when_something_else_is_asked_for():
    asked, painted, clip = ["a"], [], Clip(3)

    def stage(image):
        painted.append((asked[0], int(image.max())))
        return image

    source = HoldingSource(clip, asked=lambda: asked[0])
    with Pipeline(source, [stage], [FunctionSink(lambda result: None, live=True)]):
        eventually(lambda: len(painted) == 3)
        time.sleep(0.5)
        assert painted == [("a", 0), ("a", 10), ("a", 20)]
        asked[0] = "b"
        eventually(lambda: len(painted) > 5)  # a style fades in
        eventually(lambda: stands_still(painted))
        assert set(painted[3:]) == {("b", 20)}
        assert not clip.closed
    assert clip.closed


def stands_still(painted):
    before = len(painted)
    time.sleep(0.4)
    return len(painted) == before


def test_a_file_without_frames_ends():
    assert HoldingSource(Clip(0), asked=lambda: 0).read() is None


def test_it_ends_when_it_is_cancelled():
    source = HoldingSource(Clip(1), asked=lambda: 0)
    assert source.read().index == 0
    threading.Timer(0.2, source.cancel).start()
    assert source.read() is None
    assert source.read() is None
