"""Scores of a saliency mask against a drawn one: F-measure and mean absolute error.

Source: Achanta et al., "Frequency-tuned salient region detection", CVPR 2009 (beta^2 = 0.3, adaptive threshold).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

BETA_SQUARED = 0.3
Mask = NDArray[np.float32]
"""float32 [H, W] in [0, 1]."""


@dataclass(frozen=True)
class SaliencyScores:
    """Means over pictures.

    Attributes:
        f_max: F-measure at the best of 255 thresholds for the whole set.
        f_max_threshold: The best threshold.
        f_half: F-measure at threshold 0.5.
        f_adaptive: F-measure at a threshold of twice each mask's mean (at most 1).
        mae: Mean absolute error of the soft mask.
        pictures: Number of scored pictures.
    """

    f_max: float
    f_max_threshold: float
    f_half: float
    f_adaptive: float
    mae: float
    pictures: int

    def to_dict(self) -> dict[str, float]:
        """The scores by name."""
        return asdict(self)


def f_measure(mask: Mask, truth: NDArray[np.bool_], threshold: float) -> float:
    """F-measure (beta^2 = 0.3) of `mask` >= `threshold` against `truth`; 0 if they do not overlap."""
    chosen = mask >= threshold
    hits = float(np.logical_and(chosen, truth).sum())
    if hits == 0:
        return 0.0
    precision, recall = hits / float(chosen.sum()), hits / float(truth.sum())
    return (1 + BETA_SQUARED) * precision * recall / (BETA_SQUARED * precision + recall)


def f_curve(mask: Mask, truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """F-measure at the thresholds 1/255, 2/255, ..., 1: float64 [255]."""
    levels = np.round(mask * 255).astype(np.int64)
    chosen = np.bincount(levels.ravel(), minlength=256)[::-1].cumsum()[::-1][1:]  # pixels >= level
    hits = np.bincount(levels[truth], minlength=256)[::-1].cumsum()[::-1][1:]
    precision = hits / np.maximum(chosen, 1)
    recall = hits / max(int(truth.sum()), 1)
    divisor = np.maximum(BETA_SQUARED * precision + recall, 1e-12)
    return np.asarray((1 + BETA_SQUARED) * precision * recall / divisor)


def score_masks(pairs: Iterable[tuple[Mask, NDArray[np.bool_]]]) -> SaliencyScores:
    """Scores pairs of a mask and a drawn region of the same size.

    Raises:
        ValueError: There are no pairs.
    """
    curves, halves, adaptives, errors = [], [], [], []
    for mask, truth in pairs:
        curves.append(f_curve(mask, truth))
        halves.append(f_measure(mask, truth, 0.5))
        adaptives.append(f_measure(mask, truth, min(1.0, 2 * float(mask.mean()))))
        errors.append(float(np.abs(mask - truth).mean()))
    if not curves:
        raise ValueError("no masks to score")
    mean = np.mean(curves, axis=0)
    best = int(mean.argmax())
    return SaliencyScores(
        f_max=float(mean[best]),
        f_max_threshold=(best + 1) / 255,
        f_half=float(np.mean(halves)),
        f_adaptive=float(np.mean(adaptives)),
        mae=float(np.mean(errors)),
        pictures=len(curves),
    )
