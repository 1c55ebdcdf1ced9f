"""Step-wise changes stay within the limits that a number has."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from artrt.engine.looks.controls import Controls
from artrt.engine.looks.look import NUMBERS
from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.sinks import NullSink, RecordingQuota
from artrt.engine.sinks.remote import STROKE_FACTOR, Remote
from artrt.engine.sinks.web.recordings import Recordings


class Player:
    """A player that has nothing but controls."""

    def __init__(self) -> None:
        self.controls = Controls(numbers={name: number.default for name, number in NUMBERS.items()})


@pytest.fixture
def remote(tmp_path) -> Remote:
    return Remote(Player(), folder=tmp_path)


def test_window_and_page_know_of_one_recording(tmp_path):
    with Pipeline("test://64x48@50", [], [NullSink()]) as pipeline:
        window = Remote(pipeline, folder=tmp_path / "w")
        page = Recordings(pipeline, quota=RecordingQuota(folder=tmp_path / "p"))
        started = Path(window.toggle_recording())
        assert page.current == started.name
        page.set(True)  # it is being recorded
        assert window.recording == str(started)
        time.sleep(0.5)
        page.set(False)
        assert window.recording is None
        assert started.is_file()
        page.set(True)
        assert Path(window.recording).parent == tmp_path / "p"
        assert window.toggle_recording() is None
        assert page.current is None


def test_strength_stops_at_its_ends(remote):
    assert remote.change("strength", -0.1) == 0.9
    assert remote.change("strength", 5.0) == 1.0
    assert remote.change("strength", -5.0) == 0.0


def test_strokes_grow_and_shrink_by_a_factor(remote):
    assert remote.scale("stroke", STROKE_FACTOR) == 1.25
    assert remote.scale("stroke", 1 / STROKE_FACTOR) == 1.0
    assert remote.scale("stroke", 100.0) == NUMBERS["stroke"].maximum
    assert remote.scale("stroke", 1e-6) == NUMBERS["stroke"].minimum
