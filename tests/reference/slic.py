"""SLIC as export/graphs/slic.py does it, pixel by pixel in NumPy and float64."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reference.color import lab_from_bgr

Floats = NDArray[np.float64]
ITERATIONS, MOST = 10, 8192


@dataclass(frozen=True)
class Grid:
    """Cell size in pixels, number of cells, and padding before the frame."""

    height: int
    width: int
    rows: int
    columns: int
    top: int
    left: int


def grid(height: int, width: int, number: int) -> Grid:
    area = height * width / number
    across = min(math.sqrt(area), width)
    down = min(area / across, height)
    across = min(area / down, width)
    best = None
    for cell_height in (max(1, math.floor(down)), max(1, math.floor(down)) + 1):
        for cell_width in (max(1, math.floor(across)), max(1, math.floor(across)) + 1):
            rows, columns = -(-height // cell_height), -(-width // cell_width)
            cost = abs(rows * columns - number) + (1e9 if rows * columns > MOST else 0)
            if best is None or cost < best[0]:
                top, left = (rows * cell_height - height) // 2, (columns * cell_width - width) // 2
                best = (cost, Grid(cell_height, cell_width, rows, columns, top, left))
    assert best is not None
    return best[1]


def smooth(image: NDArray[np.uint8]) -> Floats:
    """Means of 3x3 with the rim repeated, rounded."""
    padded = np.pad(image.astype(np.float64), ((1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = image.shape[:2]
    return np.round(sum(padded[y : y + height, x : x + width] for y in range(3) for x in range(3)) / 9)


def slic(image: NDArray[np.uint8], number: int, *, compactness: float = 10.0) -> NDArray[np.int64]:
    """Labels [H, W] of a fresh frame."""
    height, width = image.shape[:2]
    cells = grid(height, width, number)
    y, x = np.mgrid[0:height, 0:width]
    y, x = y + cells.top, x + cells.left
    row, column = y // cells.height, x // cells.width
    pixels = np.dstack([lab_from_bgr(smooth(image)), y, x]).astype(np.float64)
    weight = (compactness / math.sqrt(cells.height * cells.width)) ** 2
    scale = np.array([1, 1, 1, weight, weight])
    home = row * cells.columns + column
    centers = means(pixels, home, np.zeros((cells.rows * cells.columns, 5)))
    for _ in range(ITERATIONS):
        centers = means(pixels, assign(pixels, centers, row, column, cells, scale), centers)
    return assign(pixels, centers, row, column, cells, scale)


def assign(
    pixels: Floats,
    centers: Floats,
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    cells: Grid,
    scale: Floats,
) -> NDArray[np.int64]:
    distances, labels = [], []
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            near_row, near_column = row + dy, column + dx
            exists = (
                (near_row >= 0) & (near_row < cells.rows) & (near_column >= 0) & (near_column < cells.columns)
            )
            label = np.where(exists, near_row * cells.columns + near_column, 0)
            distance = (np.square(pixels - centers[label]) * scale).sum(-1)
            distances.append(np.where(exists, distance, np.inf))
            labels.append(label)
    best = np.argmin(distances, axis=0)
    return np.take_along_axis(np.stack(labels), best[None], 0)[0]


def means(pixels: Floats, labels: NDArray[np.int64], centers: Floats) -> Floats:
    flat = labels.reshape(-1)
    counts = np.bincount(flat, minlength=len(centers))[:, None]
    sums = [np.bincount(flat, pixels[..., i].reshape(-1), minlength=len(centers)) for i in range(5)]
    return np.where(counts > 0, np.stack(sums, 1) / np.maximum(counts, 1), centers)
