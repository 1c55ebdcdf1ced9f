from __future__ import annotations

import resource
import subprocess
import sys

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
    with pytest.raises(artrt.UsageError, match="strength is 2: expected 0 to 1"):
        stylizer.strength = 2
    assert (stylizer.style, stylizer.strength, stylizer(black).max()) == ("starry-night", 1.0, 102)


def test_it_says_where_it_runs(stylizer):
    assert (stylizer.provider, stylizer.reason) == ("cpu", "cpu was requested")


def test_without_a_style_there_is_none_to_change(use_tiny_zoo, picture):
    with artrt.Stylizer("none", provider="cpu") as stylizer:
        assert np.array_equal(stylizer(picture(4, 4)), picture(4, 4))
        with pytest.raises(artrt.UsageError, match="style 'none' cannot be set or replaced later"):
            stylizer.style = "udnie"


@pytest.mark.parametrize("name", ["strength", "keep_salient"])
def test_fractions_are_checked(use_tiny_zoo, name):
    with pytest.raises(artrt.UsageError, match=f"{name} is -0.1: expected 0 to 1"):
        artrt.Stylizer(**{name: -0.1})


def test_an_option_that_does_not_exist_is_refused(use_tiny_zoo):
    with pytest.raises(artrt.UsageError, match="no option 'strenght'; did you mean 'strength'"):
        artrt.Stylizer("udnie", strenght=0.5)


def test_a_change_while_a_pipeline_plays_it_counts(stylizer):
    seen = []
    pipeline = artrt.Pipeline("test://64x48@100?frames=100000", [stylizer], frames="all")
    for result in pipeline.results():
        seen.append(int(np.median(result.image)))
        if len(seen) == 1:
            stylizer.style = "udnie"
        if seen[-1] == 204 or len(seen) > 200:
            break
    assert (seen[0], seen[-1]) == (102, 204)


def test_two_stylizers_in_a_pipeline_are_refused(stylizer, use_tiny_zoo):
    with (
        artrt.Stylizer("udnie", provider="cpu") as other,
        pytest.raises(artrt.UsageError, match="one Stylizer"),
    ):
        artrt.Pipeline("test://64x48@30", [stylizer, other])


def test_what_no_loaded_stage_obeys_is_refused(stylizer):
    with pytest.raises(
        artrt.UsageError, match="keep_salient cannot be changed: no loaded stage has this control"
    ):
        stylizer.set(keep_salient=0.5)
    stylizer.set(strength=0.25)
    assert stylizer.strength == 0.25


def test_frames_are_stabilized_when_asked(use_tiny_zoo, picture):
    """Still pictures whose style jumps: the stabilized one keeps most of the last painting."""
    image = picture(64, 64)
    noisy = np.clip(image.astype(int) + np.random.default_rng(0).integers(-3, 4, image.shape), 0, 255)
    results = {}
    for amount in (0.0, 0.8):
        with artrt.Stylizer("udnie", strength=0.5, stabilize=amount, provider="cpu") as stylizer:
            first = stylizer(image)
            kept = first.copy()
            second = stylizer(noisy.astype(np.uint8))
            first[:] = 0  # the caller's own
            results[amount] = np.abs(second.astype(int) - kept).mean()
            stylizer.reset()
            assert (stylizer(image) == kept).all()
    assert results[0.8] < 0.5 * results[0.0]


def test_a_look_and_its_options(use_tiny_zoo, picture):
    look = artrt.Look("udnie", stabilize=0.0, provider="cpu")
    with artrt.Stylizer(look, strength=0.5) as stylizer:
        assert stylizer(np.zeros((2, 2, 3), np.uint8)).max() == 102


FORK = """
import os, sys
import numpy as np, artrt
image = np.full((24, 32, 3), 80, np.uint8)
with artrt.Stylizer("udnie", provider="cpu", threads=1) as stylizer:
    expected = stylizer(image)
    child = os.fork()
    if not child:
        with artrt.Stylizer("udnie", provider="cpu", threads=1) as another:
            os._exit(0 if (another(image) == expected).all() and (stylizer(image) == expected).all() else 1)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), (stylizer(image) == expected).all())
"""


def test_parent_and_child_paint_after_a_fork(use_tiny_zoo):
    words = [sys.executable, "-c", FORK]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "0 True\n"), done.stderr


def test_memory_does_not_grow_with_the_sizes_of_pictures(stylizer):
    def paint(number):
        stylizer(np.zeros((40 + 17 * number, 700 - 13 * number, 3), np.uint8))
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    for number in range(20, 0, -1):
        before = paint(number)
    for number in (*range(21, 41), *range(41)):
        after = paint(number)
    assert after - before < 30_000  # kB, of which the largest picture and its painting take 3,000
