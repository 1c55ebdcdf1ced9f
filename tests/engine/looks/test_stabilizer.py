from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from artrt.engine.looks.look import NUMBERS
from artrt.engine.looks.stabilizer import Stabilizer, _trust


def texture(height=120, width=200, *, seed=0, cells=12):
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (height // cells, width // cells, 3), dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def flickering(image, *, seed, strength=30):
    """The picture with strokes that are new in every frame."""
    noise = np.random.default_rng(seed).normal(0, strength, image.shape)
    return (image + noise).clip(0, 255).astype(np.uint8)


def change(images):
    return np.mean([np.abs(a.astype(float) - b).mean() for a, b in itertools.pairwise(images)])


def test_what_stands_still_stops_flickering():
    scene, stabilizer = texture(), Stabilizer()
    painted = [flickering(scene, seed=k) for k in range(12)]
    steady = [
        stabilizer(flickering(scene, seed=100 + k, strength=2), p, amount=0.8) for k, p in enumerate(painted)
    ]
    assert change(steady[4:]) < 0.4 * change(painted[4:])


def test_no_amount_changes_nothing():
    scene, stabilizer = texture(), Stabilizer()
    for k in range(4):
        painted = flickering(scene, seed=k)
        np.testing.assert_array_equal(stabilizer(scene, painted, amount=0.0), painted)


def test_a_moving_picture_is_followed():
    wide, stabilizer = texture(120, 400), Stabilizer()
    frames = [np.ascontiguousarray(wide[:, 4 * k : 4 * k + 200]) for k in range(10)]
    painted = [flickering(frame, seed=k) for k, frame in enumerate(frames)]
    steady = [stabilizer(f, p, amount=0.8) for f, p in zip(frames, painted, strict=True)]
    inside = np.s_[10:-10, 10:-30]

    def error(images):
        return np.abs(images[-1][inside].astype(float) - frames[-1][inside]).mean()

    assert error(steady) < 0.65 * error(painted)


def test_a_moving_thing_leaves_no_trail():
    stabilizer = Stabilizer()
    for k in range(12):
        frame = np.full((120, 240, 3), 90, np.uint8)
        frame[40:80, 15 * k : 15 * k + 40] = (30, 200, 240)
        output = stabilizer(frame, 255 - frame, amount=0.9)
    far_behind = np.s_[:, : 15 * 11 - 12]
    np.testing.assert_allclose(output[far_behind], (255 - frame)[far_behind], atol=12)
    assert (np.abs(output.astype(int) - (255 - frame)) <= 12).mean() > 0.995


def test_what_enters_the_picture_is_new():
    """A pan over an even wall: the frames look alike, but there is no last painting for the columns that enter."""
    wall, flow = np.full((40, 60, 3), 90, np.uint8), np.zeros((40, 60, 2), np.float32)
    flow[:, :, 0] = 5
    trust = _trust(wall, wall, flow, low=8.0, high=24.0)
    assert (trust[:, -5:] == 0).all()
    assert (trust[:, :-6] == 1).all()


def test_a_cut_starts_anew():
    stabilizer = Stabilizer()
    for k in range(3):
        stabilizer(texture(seed=1), flickering(texture(seed=1), seed=k), amount=1.0)
    other = 255 - texture(seed=1)
    np.testing.assert_array_equal(stabilizer(other, other, amount=1.0), other)


def test_what_two_scenes_have_in_common_starts_anew_too():
    stabilizer, scene = Stabilizer(), texture()
    before, after = scene.copy(), scene.copy()
    before[:, 100:], after[:, 100:] = 0, 255
    for k in range(3):
        stabilizer(before, flickering(before, seed=k, strength=6), amount=1.0)
    painted = flickering(after, seed=9, strength=6)
    np.testing.assert_array_equal(stabilizer(after, painted, amount=1.0), painted)


@pytest.mark.parametrize("what", ["style", "size", "reset"])
def test_other_pictures_start_anew(what):
    stabilizer, scene = Stabilizer(), texture()
    stabilizer(scene, scene, amount=1.0, fingerprint="a")
    frame = texture(96, 160) if what == "size" else scene
    painted = 255 - frame
    if what == "reset":
        stabilizer.reset()
    output = stabilizer(frame, painted, amount=1.0, fingerprint="b" if what == "style" else "a")
    np.testing.assert_array_equal(output, painted)


@pytest.mark.parametrize("shape", [(1, 1, 3), (8, 8, 3), (33, 500, 3), (1080, 40, 3)])
def test_all_sizes(shape):
    stabilizer = Stabilizer()
    image = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    for _ in range(3):
        assert stabilizer(image, image, amount=0.8).shape == shape


def test_inputs_are_left_alone():
    stabilizer, scene = Stabilizer(), texture()
    for k in range(3):
        painted = flickering(scene, seed=k)
        before = (scene.copy(), painted.copy())
        stabilizer(scene, painted, amount=0.8)
        np.testing.assert_array_equal(scene, before[0])
        np.testing.assert_array_equal(painted, before[1])


def test_the_default_is_on():
    assert 0 < NUMBERS["stabilize"].default < 1
