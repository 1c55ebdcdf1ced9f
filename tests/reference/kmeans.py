"""K-means as export/graphs/kmeans.py does it, in NumPy and float64."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SIDE, GROWTH, LAST, DEVIATIONS = 128, 1.5, 16, 0.5


def sample(image: NDArray[np.uint8]) -> Floats:
    """A regular grid of pixels, [SIDE^2, 3]."""
    fractions = (np.arange(SIDE, dtype=np.float32) + np.float32(0.5)) / np.float32(SIDE)
    rows, columns = ((fractions * np.float32(size)).astype(int) for size in image.shape[:2])
    return image[rows][:, columns].reshape(-1, 3).astype(np.float64)


def nearest(pixels: Floats, palette: Floats) -> NDArray[np.intp]:
    return np.concatenate(
        [
            np.square(part[:, None] - palette).sum(-1).argmin(1)
            for part in np.array_split(pixels, max(1, len(pixels) // 4096))
        ]
    )


def update(pixels: Floats, palette: Floats) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Means, variances and counts."""
    labels = nearest(pixels, palette)
    means, variances = palette.copy(), np.zeros_like(palette)
    counts = np.bincount(labels, minlength=len(palette))
    for label in np.unique(labels):
        members = pixels[labels == label]
        means[label], variances[label] = members.mean(0), members.var(0)
    return means, variances, counts


def seed(image: NDArray[np.uint8], colors: int) -> Floats:
    """The palette of a first frame, not rounded."""
    pixels = sample(image)
    means, variances, counts = update(pixels, pixels.mean(0, keepdims=True))
    sizes = [1]
    while sizes[-1] < 256:
        sizes.append(min(256, math.ceil(sizes[-1] * GROWTH)))
    for size in sizes[1:]:
        wanted = min(size, colors)
        order = np.argsort(-(variances.sum(1) * counts), kind="stable")[: wanted - len(means)]
        step = np.sqrt(variances) * DEVIATIONS * (variances >= variances.max(1, keepdims=True))
        means, variances, counts = update(pixels, np.concatenate([means, means[order] + step[order]]))
    for _ in range(LAST):
        means, variances, counts = update(pixels, means)
    return means
