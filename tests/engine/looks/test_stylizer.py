from __future__ import annotations

import numpy as np
import pytest

import artrt


@pytest.fixture
def stylizer(use_tiny_zoo):
    with artrt.Stylizer("starry-night", provider="cpu", threads=1) as stylizer:
        yield stylizer


def test_picture_in_picture_out(stylizer, picture):
    image = picture(6, 8)
    painting = stylizer(image)
    assert (painting.shape, painting.dtype) == (image.shape, np.uint8)
    assert np.unique(painting).tolist() == [102]


def test_frame_keeps_its_times(stylizer, picture):
    frame = artrt.Frame(picture(4, 4), index=7, time_seconds=1.5, captured_seconds=2.5)
    painted = stylizer(frame)
    assert isinstance(painted, artrt.Frame)
    assert (painted.index, painted.time_seconds, painted.captured_seconds) == (7, 1.5, 2.5)
    assert painted.image.max() == 102


def test_style_and_strength_change_between_frames(stylizer):
    black = np.zeros((2, 2, 3), np.uint8)
    stylizer.style = "udnie"
    assert (stylizer.style, stylizer(black).max()) == ("udnie", 204)
    stylizer.strength = 0.5
    assert (stylizer.strength, stylizer(black).max()) == (0.5, 102)
    stylizer.style = "great-wave:0.5+the-scream:0.5"
    assert stylizer(black).max() == 51


def test_wrong_changes_leave_it_as_it_was(stylizer):
    black = np.zeros((2, 2, 3), np.uint8)
    with pytest.raises(artrt.UnknownStyleError, match="did you mean 'udnie'"):
        stylizer.style = "udny"
    with pytest.raises(artrt.UsageError, match="strength is a number from 0 to 1, got 2"):
        stylizer.strength = 2
    assert (stylizer.style, stylizer.strength, stylizer(black).max()) == ("starry-night", 1.0, 102)


def test_it_says_where_it_runs(stylizer):
    assert (stylizer.provider, stylizer.reason) == ("cpu", "cpu was asked for")


def test_without_a_style_there_is_none_to_change(use_tiny_zoo, picture):
    with artrt.Stylizer("none", provider="cpu") as stylizer:
        assert np.array_equal(stylizer(picture(4, 4)), picture(4, 4))
        with pytest.raises(artrt.UsageError, match="made with 'none' has none"):
            stylizer.style = "udnie"


@pytest.mark.parametrize("name", ["strength", "keep_salient"])
def test_fractions_are_checked(use_tiny_zoo, name):
    with pytest.raises(artrt.UsageError, match=f"{name} is a number from 0 to 1, got -0.1"):
        artrt.Stylizer(**{name: -0.1})
