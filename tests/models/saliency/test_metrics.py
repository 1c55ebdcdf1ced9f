from __future__ import annotations

import numpy as np
import pytest

from artrt.models.saliency.metrics import f_curve, f_measure, score_masks


def halves() -> tuple[np.ndarray, np.ndarray]:
    mask, truth = np.zeros((10, 10), np.float32), np.zeros((10, 10), np.bool_)
    mask[:, :5], truth[:5] = 0.8, True
    return mask, truth


def test_f_measure_by_hand() -> None:
    mask, truth = halves()  # precision and recall are both one half
    assert f_measure(mask, truth, 0.5) == pytest.approx(0.5)
    assert f_measure(mask, truth, 0.9) == 0.0
    mask[:, 5:] = 0.8  # everything: precision 1/2, recall 1
    assert f_measure(mask, truth, 0.5) == pytest.approx(1.3 * 0.5 / (0.3 * 0.5 + 1))


def test_the_curve_equals_single_thresholds() -> None:
    rng = np.random.default_rng(0)
    mask = (rng.integers(0, 256, (20, 20)) / 255).astype(np.float32)
    truth = rng.random((20, 20)) > 0.6
    curve = f_curve(mask, truth)
    for level in (1, 100, 200, 255):
        assert curve[level - 1] == pytest.approx(f_measure(mask, truth, (level - 0.5) / 255))


def test_scores_of_a_perfect_and_of_a_wrong_mask() -> None:
    _, truth = halves()
    perfect = score_masks([(truth.astype(np.float32), truth)])
    assert (perfect.f_max, perfect.f_half, perfect.f_adaptive, perfect.mae) == (1.0, 1.0, 1.0, 0.0)
    both = score_masks([(truth.astype(np.float32), truth), ((~truth).astype(np.float32), truth)])
    assert both.pictures == 2
    assert both.f_half == pytest.approx(0.5)
    assert both.mae == pytest.approx(0.5)


def test_the_best_threshold_is_one_for_all_pictures() -> None:
    _, truth = halves()
    strong, faint = truth * np.float32(0.9), truth * np.float32(0.4) + np.float32(0.2)
    scores = score_masks([(strong, truth), (faint, truth)])
    assert scores.f_max == 1.0
    assert 0.2 < scores.f_max_threshold <= 0.601
    with pytest.raises(ValueError, match="no masks"):
        score_masks([])
