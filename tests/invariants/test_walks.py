"""How many files of the package a reader must open to follow one frame, or one style name."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest

import artrt

MOST_FOR_A_FRAME = 18
MOST_FOR_A_STYLE = 5


@pytest.fixture
def walk(root) -> Callable[[Callable[[], object]], set[str]]:
    """A function that calls another and gives the package's files that the call entered."""

    def entered(function: Callable[[], object]) -> set[str]:
        files = set()
        before = sys.getprofile()
        sys.setprofile(
            lambda frame, event, _: files.add(frame.f_code.co_filename) if event == "call" else None
        )
        try:
            function()
        finally:
            sys.setprofile(before)
        package = artrt.__file__.removesuffix("__init__.py")
        ours = {name.removeprefix(package) for name in files if name.startswith(package)}
        return {name for name in ours if not name.startswith("tests/")}

    return entered


@pytest.fixture
def stylizer(tiny_zoo):
    with artrt.Stylizer("starry-night", zoo=artrt.Zoo(tiny_zoo), provider="cpu") as made:
        yield made


def test_the_walk_of_a_frame_is_short(walk, stylizer):
    files = walk(lambda: stylizer(np.zeros((48, 64, 3), np.uint8)))
    assert "engine/looks/stylizer.py" in files
    assert len(files) <= MOST_FOR_A_FRAME, sorted(files)


def test_the_walk_of_a_style_name_is_short(walk, stylizer):
    files = walk(lambda: setattr(stylizer, "style", "udnie"))
    assert "engine/zoo/zoo.py" in files
    assert len(files) <= MOST_FOR_A_STYLE, sorted(files)
