from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from artrt.engine.errors import UsageError
from artrt.models.evaluation.metrics import edge_f1, luma, mask_iou, ssim, top_iou, warping_error

RNG = np.random.default_rng(5)


def noise(height: int = 40, width: int = 56) -> NDArray[np.uint8]:
    small = RNG.integers(0, 256, (height // 4, width // 4, 3), np.uint8)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def test_ssim_equals_that_of_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    first = noise()
    second = np.clip(first.astype(int) + RNG.integers(-40, 40, first.shape), 0, 255).astype(np.uint8)
    expected = metrics.structural_similarity(
        luma(first),
        luma(second),
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        data_range=1.0,
    )
    assert ssim(first, second) == pytest.approx(expected, abs=1e-4)
    assert ssim(first, first) == pytest.approx(1.0)


def test_pictures_of_two_sizes_are_refused() -> None:
    with pytest.raises(UsageError, match="56x40 and 40x56"):
        ssim(noise(40, 56), noise(56, 40))


def test_edges_are_found_within_two_pixels_and_not_beyond() -> None:
    square = np.zeros((64, 64, 3), np.uint8)
    square[16:48, 16:48] = 255
    assert edge_f1(square, square) == 1.0
    assert edge_f1(np.roll(square, 1, axis=1), square) > 0.95
    assert edge_f1(np.roll(square, 12, axis=(0, 1)), square) < 0.4
    assert edge_f1(np.zeros_like(square), square) == 0.0


def test_top_iou_compares_where_not_how_much() -> None:
    plane = np.arange(100, dtype=np.float32).reshape(10, 10)
    assert top_iou(plane, plane * 3 - 7) == 1.0
    assert top_iou(plane, -plane) == 0.0
    half = plane.copy()
    half[8, :] = -1  # of the top twenty, ten leave and the next ten enter
    assert top_iou(half, plane) == pytest.approx(10 / 30)


def test_mask_iou() -> None:
    left, top = np.zeros((8, 8), np.float32), np.zeros((8, 8), np.float32)
    left[:, :4], top[:4] = 0.9, 0.6
    assert mask_iou(left, top) == pytest.approx(16 / 48)
    assert mask_iou(left * 0, top * 0) == 1.0


def test_warping_error_is_zero_for_a_painting_that_moves_with_the_scene() -> None:
    scene = noise(60, 80)
    first, second = scene[10:50, 10:70], scene[8:48, 5:65]  # everything moves by 5 to the right and 2 down
    flow = np.zeros((40, 60, 2), np.float32)
    flow[..., 0], flow[..., 1] = 5, 2
    valid = np.ones((40, 60), np.bool_)
    assert warping_error(first, second, flow, valid) == 0.0
    assert warping_error(first, second, flow * 0, valid) > 0.005
    brighter = np.clip(second.astype(int) + 51, 0, 255)
    dark = np.minimum(first, 200), np.minimum(second, 200) + np.uint8(51)
    assert brighter.max() == 255
    assert warping_error(*dark, flow, valid) == pytest.approx(0.04, rel=1e-4)
    assert warping_error(*dark, flow, ~valid) == 0.0
