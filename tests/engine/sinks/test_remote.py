"""Step-wise changes stay within the limits that a number has."""

from __future__ import annotations

import pytest

from artrt.engine.looks.controls import Controls
from artrt.engine.looks.look import NUMBERS
from artrt.engine.sinks.remote import STROKE_FACTOR, Remote


class Player:
    """A player that has nothing but controls."""

    def __init__(self) -> None:
        self.controls = Controls(numbers={name: number.default for name, number in NUMBERS.items()})


@pytest.fixture
def remote(tmp_path) -> Remote:
    return Remote(Player(), folder=tmp_path)


def test_strength_stops_at_its_ends(remote):
    assert remote.change("strength", -0.1) == 0.9
    assert remote.change("strength", 5.0) == 1.0
    assert remote.change("strength", -5.0) == 0.0


def test_strokes_grow_and_shrink_by_a_factor(remote):
    assert remote.scale("stroke", STROKE_FACTOR) == 1.25
    assert remote.scale("stroke", 1 / STROKE_FACTOR) == 1.0
    assert remote.scale("stroke", 100.0) == NUMBERS["stroke"].maximum
    assert remote.scale("stroke", 1e-6) == NUMBERS["stroke"].minimum
