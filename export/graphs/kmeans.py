"""Colour quantization by k-means as dense ONNX operators.

Lloyd's algorithm (S. P. Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28, 1982), seeded by
splitting (Y. Linde, A. Buzo, R. M. Gray, "An algorithm for vector quantizer design", IEEE Trans. Commun. 28, 1980):

1. Sample: a fixed grid of pixels, for every frame size; the palette is learned from it.
2. Assign: squared distance minus the pixel's square, |c|^2 - 2 x.c, is one Gemm; ArgMin gives the label. float32 is
   exact for integers below 2^24, so with a rounded palette every pixel gets the exact nearest colour.
3. Update: one-hot labels [K, n] times features [n, 7] = (x, x^2, 1) give sums, squares and counts per colour, and from
   them means and variances. A colour without samples does not change.
4. Seed (no state): start with the mean; in steps that grow by half, split the colours with the largest squared error
   along their widest channel, update after every step; a fixed number of updates at the end.
5. Track (a palette from the previous frame): one update, in the direction of the new means by `rate`.
6. Cut: if the previous palette's error on this frame jumps, step 4 replaces step 5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from onnx import TensorProto

from ..onnx_builder import GraphBuilder, Operand

SAMPLES_PER_SIDE = 128
MOST_COLORS = 256
GROWTH = 1.5
LAST_UPDATES = 16
SPLIT_DEVIATIONS = 0.5
MIDDLE = 128
PACKED_SLOTS = 128
CUT_FACTOR, CUT_ERROR = 2.0, 24.0
"""A mean squared error per pixel (levels^2, three channels) above factor * previous + error is a cut."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """Tensors of one update: means [K, 3], variances [K, 3] (0 when empty), squared errors [K], counts [K, 1]."""

    means: str
    variances: str
    errors: str
    counts: str


def split_sizes(most: int = MOST_COLORS) -> list[int]:
    """Numbers of colours during splitting: 1, 2, 3, 5, 8 ... `most`."""
    sizes = [1]
    while sizes[-1] < most:
        sizes.append(min(most, math.ceil(sizes[-1] * GROWTH)))
    return sizes


def sample_grid(graph: GraphBuilder, frame: str) -> str:
    """Pixels of a regular grid, float32 [side^2, 3]; small frames give the same pixel more than once."""
    fractions = ((np.arange(SAMPLES_PER_SIDE) + 0.5) / SAMPLES_PER_SIDE).astype(np.float32)
    picked = frame
    for axis in (0, 1):
        size = graph.op("Cast", graph.op("Shape", frame, start=axis, end=axis + 1), to=TensorProto.FLOAT)
        indices = graph.op("Cast", graph.op("Mul", fractions, size), to=TensorProto.INT32)
        picked = graph.op("Gather", picked, indices, axis=axis)
    return graph.op("Reshape", graph.op("Cast", picked, to=TensorProto.FLOAT), graph.ints(-1, 3))


def assign(graph: GraphBuilder, pixels: str, palette: str) -> str:
    """Step 2: labels int64 [n] of the nearest colours; the first of equally near ones."""
    weights = graph.op("Mul", graph.op("Transpose", palette, perm=[1, 0]), np.float32(-2))
    squares = graph.op("ReduceSum", graph.op("Mul", palette, palette), graph.ints(1), keepdims=0)
    scores = graph.op("Gemm", pixels, weights, squares)
    return graph.op("ArgMin", scores, axis=1, keepdims=0)


def features(graph: GraphBuilder, pixels: str) -> str:
    """The features that step 3 sums: (x, x^2, 1), float32 [n, 7]."""
    squares = graph.op("Mul", pixels, pixels)
    ones = graph.op("Expand", np.ones((1, 1), np.float32), graph.ints(SAMPLES_PER_SIDE**2, 1))
    return graph.op("Concat", pixels, squares, ones, axis=1)


def update(graph: GraphBuilder, pixels: str, sums_of: str, palette: str) -> Clusters:
    """Steps 2 and 3: assigns the samples and measures every cluster."""
    labels = assign(graph, pixels, palette)
    count = graph.op("Squeeze", _rows(graph, palette), graph.ints(0))
    numbers = graph.op("Unsqueeze", graph.op("Range", np.int64(0), count, np.int64(1)), graph.ints(1))
    one_hot = graph.op("Cast", graph.op("Equal", numbers, labels), to=TensorProto.FLOAT)
    sums = graph.op("MatMul", one_hot, sums_of)
    colors, squares, counts = graph.ops("Split", sums, graph.ints(3, 3, 1), outputs=3, axis=1)
    divisor = graph.op("Max", counts, np.float32(1))
    filled = graph.op("Min", counts, np.float32(1))
    kept = graph.op("Mul", palette, graph.op("Sub", np.float32(1), filled))
    means = graph.op("Add", graph.op("Div", colors, divisor), kept)
    mean_squares = graph.op("Mul", graph.op("Mul", means, means), filled)
    spread = graph.op("Sub", graph.op("Div", squares, divisor), mean_squares)
    variances = graph.op("Max", spread, np.float32(0))
    errors = graph.op("ReduceSum", graph.op("Mul", variances, counts), graph.ints(1), keepdims=0)
    return Clusters(means, variances, errors, counts)


def error_of(graph: GraphBuilder, clusters: Clusters, palette: str) -> str:
    """Mean squared error per sample, float32 [1], if the clusters get these colours."""
    offset = graph.op("Sub", clusters.means, palette)
    moved = graph.op("ReduceSum", graph.op("Mul", offset, offset), graph.ints(1), keepdims=1)
    total = graph.op("ReduceSum", graph.op("Mul", moved, clusters.counts), graph.ints(0, 1), keepdims=0)
    inner = graph.op("ReduceSum", clusters.errors, graph.ints(0), keepdims=0)
    mean = graph.op("Mul", graph.op("Add", total, inner), np.float32(SAMPLES_PER_SIDE**-2))
    return graph.op("Reshape", mean, graph.ints(1))


def seed(graph: GraphBuilder, pixels: str, sums_of: str, colors: Operand, *, most: int) -> Clusters:
    """Step 4: a palette without a previous one.

    Args:
        graph: Receives the nodes.
        pixels: Samples, float32 [n, 3].
        sums_of: Their features.
        colors: Number of colours, int64 [1].
        most: Upper limit of that number; sets the number of splits.
    """
    start = graph.op("ReduceMean", pixels, graph.ints(0), keepdims=1)
    clusters = update(graph, pixels, sums_of, start)
    for size, larger in pairwise(split_sizes(most)):
        limits = [graph.op("Min", colors, graph.ints(limit)) for limit in (size, larger)]
        grown = _split(graph, clusters, *limits)
        clusters = update(graph, pixels, sums_of, grown)
    for _ in range(LAST_UPDATES):
        clusters = update(graph, pixels, sums_of, clusters.means)
    return clusters


def _split(graph: GraphBuilder, clusters: Clusters, size: str, larger: str) -> str:
    """Splits the `larger - size` clusters with the largest errors along their widest channel."""
    _, ranking = graph.ops("TopK", clusters.errors, size, outputs=2, axis=0)
    chosen = graph.op("Slice", ranking, graph.ints(0), graph.op("Sub", larger, size), graph.ints(0))
    widest = graph.op("ReduceMax", clusters.variances, graph.ints(1), keepdims=1)
    channel = graph.op("GreaterOrEqual", clusters.variances, widest)
    deviation = graph.op("Mul", graph.op("Sqrt", clusters.variances), np.float32(SPLIT_DEVIATIONS))
    step = graph.op("Mul", deviation, graph.op("Cast", channel, to=TensorProto.FLOAT))
    split = graph.op("Add", graph.op("Gather", clusters.means, chosen), graph.op("Gather", step, chosen))
    return graph.op("Concat", clusters.means, split, axis=0)


def paint(graph: GraphBuilder, frame: str, palette: str, *, packed: bool, bands: int) -> str:
    """Maps every pixel to the nearest colour of a rounded palette.

    Args:
        graph: Receives the nodes.
        frame: uint8 [H, W, 3].
        palette: float32 [K, 3], whole numbers in [0, 255].
        packed: Use `nearest_packed`, for at most `PACKED_SLOTS` colours.
        bands: Number of parts of the frame, so that the scores [pixels, K] of a part fit in the cache.

    Returns:
        uint8 [H, W, 3].
    """
    pixels = graph.op("Reshape", frame, graph.ints(-1, 3))
    number = graph.op("Shape", pixels, start=0, end=1)
    length = graph.op("Div", graph.op("Add", number, graph.ints(bands - 1)), graph.ints(bands))
    levels = graph.op("Cast", palette, to=TensorProto.UINT8)
    weights = packed_weights(graph, palette) if packed else ("", "")
    painted = []
    for band in range(bands):
        first = graph.op("Mul", length, graph.ints(band))
        part = graph.op("Slice", pixels, first, graph.op("Add", first, length), graph.ints(0))
        values = graph.op("Cast", part, to=TensorProto.FLOAT)
        labels = nearest_packed(graph, values, *weights) if packed else assign(graph, values, palette)
        painted.append(graph.op("Gather", levels, labels, axis=0))
    return graph.op("Reshape", graph.op("Concat", *painted, axis=0), graph.op("Shape", frame))


def packed_weights(graph: GraphBuilder, palette: str) -> tuple[str, str]:
    """Operands of the Gemm in `nearest_packed`: weights [3, K] and bias [K]."""
    centred = graph.op("Sub", palette, np.float32(MIDDLE))
    weights = graph.op("Mul", graph.op("Transpose", centred, perm=[1, 0]), np.float32(-2 * PACKED_SLOTS))
    squares = graph.op("ReduceSum", graph.op("Mul", centred, centred), graph.ints(1), keepdims=0)
    shifted = graph.op("Mul", graph.op("Sub", squares, np.float32(3 * MIDDLE**2)), np.float32(PACKED_SLOTS))
    numbers = graph.op(
        "Slice", np.arange(PACKED_SLOTS, dtype=np.float32), graph.ints(0), _rows(graph, palette)
    )
    return weights, graph.op("Add", shifted, numbers)


def nearest_packed(graph: GraphBuilder, pixels: str, weights: str, bias: str) -> str:
    """Labels int32 [n] like `assign`, by a minimum instead of the slower ArgMin.

    Scores are whole numbers between -98304 and 98304, so that `score * 128 + label` is exact in float32, and the
    smallest of these holds the label in its last seven bits. Equal scores give the lower label.
    """
    packed = graph.op("Gemm", graph.op("Sub", pixels, np.float32(MIDDLE)), weights, bias)
    smallest = graph.op("ReduceMin", packed, graph.ints(1), keepdims=0)
    scores = graph.op("Floor", graph.op("Mul", smallest, np.float32(1 / PACKED_SLOTS)))
    labels = graph.op("Sub", smallest, graph.op("Mul", scores, np.float32(PACKED_SLOTS)))
    return graph.op("Cast", labels, to=TensorProto.INT32)


def _rows(graph: GraphBuilder, tensor: str) -> str:
    return graph.op("Shape", tensor, start=0, end=1)
