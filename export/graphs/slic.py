"""SLIC superpixels as dense ONNX operators.

After R. Achanta et al., "SLIC superpixels compared to state-of-the-art superpixel methods", IEEE TPAMI 34, 2012
(doi 10.1109/TPAMI.2012.120), with the search window of gSLIC (C. Y. Ren, I. Reid, 2011): a pixel is compared with the
centres of its own cell and the eight cells around it.

A pixel's features are x = (L, a, b, y, x, 1 | B, G, R), with positions relative to its cell's middle; a centre is
c = (L, a, b, y, x), with positions relative to the middle of its own cell. With s the cell's side and m the
compactness, the distance is  |colour difference|^2 + (m / s)^2 |position difference|^2.

0. Smooth: colours for the assignment are 3x3 means of the frame, so that noise does not create small islands.
1. Seed (no state): the mean of every cell.
2. Assign: x.c - |c|^2 / 2 to the nine centres, one batched MatMul [pixels, 9] x [9, 9]; ArgMax gives the label.
3. Update: one-hot labels [9, pixels] times features give sums and counts per neighbour; nine shifted adds collect them
   in the centres' cells. A centre without pixels does not change.
4. A first frame repeats 2 and 3 ten times; a frame with centres from the previous one runs both once.
5. Paint: mean B, G, R of each region and its number, looked up by one-hot labels.
6. Cut: if the colour error with the previous centres jumps, the frame is treated as a first frame.
7. Carry: the previous centres first move with the global motion of the picture (graphs/motion.py): by whole cells from
   cell to cell, and by the rest within their cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from ..onnx_builder import GraphBuilder
from .cells import Cells
from .color import lab_from_bgr

MOST_CENTERS = 8192
CENTER = 5
FEATURES = 9
ITERATIONS = 10
FAR = 1e9
CUT_FACTOR, CUT_ERROR = 2.0, 40.0
"""A mean squared colour error in CIELAB above factor * previous + error is a cut."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One-hot labels float32 [cells, 9, pixels] and the sums per centre float32 [cells, 9 features]."""

    one_hot: str
    sums: str


class Slic:
    """The steps on one frame.

    Args:
        cells: The grid.
        features: float32 [cells, 9, pixels], see above.
        compactness: m, float32 [].
    """

    def __init__(self, graph: GraphBuilder, cells: Cells, features: str, compactness: str) -> None:
        self.cells = cells
        self.features = features
        side = graph.op("Sqrt", graph.op("Cast", cells.pixels, to=TensorProto.FLOAT))
        ratio = graph.op("Div", compactness, side)
        self._weight = graph.op("Mul", ratio, ratio)
        self._shifts = cells.shifts(graph)

    def seeds(self, graph: GraphBuilder) -> str:
        """Step 1: centres [cells, 5]."""
        sums = graph.op("ReduceSum", self.features, graph.ints(2), keepdims=0)
        return self._means(graph, sums, first=0, last=CENTER)

    def assign(self, graph: GraphBuilder, centers: str) -> Assignment:
        """Steps 2 and 3 up to the sums."""
        by_pixel = graph.op("Transpose", self.features, perm=[0, 2, 1])
        scores = graph.op("MatMul", by_pixel, self._planes(graph, centers))
        labels = graph.op("Cast", graph.op("ArgMax", scores, axis=2, keepdims=0), to=TensorProto.INT32)
        numbers = np.arange(9, dtype=np.int32).reshape(1, 9, 1)
        same = graph.op("Equal", numbers, graph.op("Unsqueeze", labels, graph.ints(1)))
        one_hot = graph.op("Cast", same, to=TensorProto.FLOAT)
        sums = graph.op("MatMul", one_hot, graph.op("Transpose", self.features, perm=[0, 2, 1]))
        return Assignment(one_hot, self._bring_home(graph, sums))

    def update(self, graph: GraphBuilder, assignment: Assignment, centers: str) -> str:
        """The rest of step 3: new centres [cells, 5]."""
        filled = graph.op("Min", self._slice(graph, assignment.sums, 5, 6), np.float32(1))
        means = self._means(graph, assignment.sums, first=0, last=CENTER)
        kept = graph.op("Mul", centers, graph.op("Sub", np.float32(1), filled))
        return graph.op("Add", means, kept)

    def paint(self, graph: GraphBuilder, assignment: Assignment) -> str:
        """Step 5: whole numbers (B, G, R, region), float32 [cells, 4, pixels]."""
        colors = graph.op("Round", self._means(graph, assignment.sums, first=6, last=9))
        count = graph.op("Squeeze", self.cells.number, graph.ints(0))
        numbers = graph.op("Cast", graph.op("Range", np.int64(0), count, np.int64(1)), to=TensorProto.FLOAT)
        table = graph.op("Concat", colors, graph.op("Unsqueeze", numbers, graph.ints(1)), axis=1)
        around = self.cells.neighbours(graph, table, channels=4)
        return graph.op("MatMul", around, assignment.one_hot)

    def error(self, graph: GraphBuilder, assignment: Assignment, centers: str, squares: str) -> str:
        """Mean squared colour error, float32 [1]; `squares` is the sum of all pixels' |Lab|^2."""
        colors, sums = (self._slice(graph, values, 0, 3) for values in (centers, assignment.sums))
        counts = self._slice(graph, assignment.sums, 5, 6)
        weighted = graph.op("Sub", graph.op("Mul", counts, colors), graph.op("Mul", sums, np.float32(2)))
        total = graph.op("ReduceSum", graph.op("Mul", colors, weighted), graph.ints(0, 1), keepdims=0)
        pixels = graph.op("ReduceSum", counts, graph.ints(0, 1), keepdims=0)
        error = graph.op("Div", graph.op("Add", total, squares), pixels)
        return graph.op("Reshape", error, graph.ints(1))

    def _planes(self, graph: GraphBuilder, centers: str) -> str:
        """The factors that turn features into scores: float32 [cells, 9 features, 9 neighbours]."""
        one = graph.op(
            "Add", graph.op("Mul", self._slice(graph, centers, 0, 1), np.float32(0)), np.float32(1)
        )
        around = self.cells.neighbours(graph, graph.op("Concat", centers, one, axis=1), channels=CENTER + 1)
        colors, places, exists = graph.ops("Split", around, graph.ints(3, 2, 1), outputs=3, axis=1)
        places = graph.op("Add", places, graph.op("Transpose", self._shifts, perm=[1, 0]))
        weighted = graph.op("Mul", places, self._weight)
        length = graph.op("Add", self._squares(graph, colors, colors), self._squares(graph, places, weighted))
        absent = graph.op("Mul", graph.op("Sub", np.float32(1), exists), np.float32(FAR))
        bias = graph.op("Sub", graph.op("Mul", length, np.float32(-0.5)), absent)
        planes = graph.op("Concat", colors, weighted, bias, axis=1)
        return graph.op("Pad", planes, graph.ints(0, 0, 0, 0, 3, 0))

    @staticmethod
    def _squares(graph: GraphBuilder, left: str, right: str) -> str:
        return graph.op("ReduceSum", graph.op("Mul", left, right), graph.ints(1), keepdims=1)

    def _bring_home(self, graph: GraphBuilder, sums: str) -> str:
        """Sums [cells, 9, 9 features] seen from each cell -> [cells, 9 features] seen from each centre's own cell."""
        colors, places, counts, levels = graph.ops("Split", sums, graph.ints(3, 2, 1, 3), outputs=4, axis=2)
        places = graph.op("Sub", places, graph.op("Mul", counts, self._shifts))
        moved = graph.op("Concat", colors, places, counts, levels, axis=2)
        return self.cells.bring_home(graph, moved, channels=FEATURES)

    def _means(self, graph: GraphBuilder, sums: str, *, first: int, last: int) -> str:
        counts = graph.op("Max", self._slice(graph, sums, 5, 6), np.float32(1))
        return graph.op("Div", self._slice(graph, sums, first, last), counts)

    @staticmethod
    def _slice(graph: GraphBuilder, values: str, first: int, last: int) -> str:
        return graph.op("Slice", values, graph.ints(first), graph.ints(last), graph.ints(1))


def features(graph: GraphBuilder, cells: Cells, frame: str, planes: str) -> tuple[str, str]:
    """The features of a frame.

    Args:
        graph: Receives the nodes.
        cells: The grid.
        frame: uint8 [H, W, 3].
        planes: The frame after `smooth`.

    Returns:
        float32 [cells, 9, pixels], and the sum of all |Lab|^2, float32 [].
    """
    levels = cells.fold(graph, graph.op("Cast", frame, to=TensorProto.FLOAT))
    lab = lab_from_bgr(graph, cells.fold_planes(graph, planes))
    squares = graph.op("ReduceSumSquare", lab, keepdims=0)
    return graph.op("Concat", lab, cells.places(graph), levels, axis=1), squares


def smooth(graph: GraphBuilder, frame: str) -> str:
    """Step 0: uint8 [H, W, 3] -> whole numbers, float32 [3, H, W]. Numbers, because CUDA cannot pad bytes."""
    levels = graph.op("Cast", frame, to=TensorProto.FLOAT)
    padded = graph.op("Pad", levels, graph.ints(1, 1, 0, 1, 1, 0), mode="edge")
    planes = graph.op("Transpose", padded, perm=[2, 0, 1])
    kernel = np.full((3, 1, 3, 3), 1 / 9, np.float32)
    means = graph.op("Conv", graph.op("Unsqueeze", planes, graph.ints(0)), kernel, group=3)
    return graph.op("Round", graph.op("Squeeze", means, graph.ints(0)))


def carry(graph: GraphBuilder, cells: Cells, centers: str, phase: str, shift: str) -> tuple[str, str]:
    """Step 7: moves the previous frame's centres with the picture.

    Args:
        graph: Receives the nodes.
        cells: The grid.
        centers: float32 [cells, 5].
        phase: Offset of the lattice of centres from the lattice of cells, (y, x) in pixels, float32 [2].
        shift: Motion of the picture, (y, x) in pixels, float32 [2].

    Returns:
        Centres and phase for this frame; at the rim the outermost centres are repeated.
    """
    grid = cells.grid
    size = graph.op("Cast", graph.op("Concat", grid.height, grid.width, axis=0), to=TensorProto.FLOAT)
    total = graph.op("Add", phase, shift)
    whole = graph.op("Round", graph.op("Div", total, size))
    leaps = graph.op("Mul", whole, size)
    shape = graph.op("Concat", grid.rows, grid.columns, graph.ints(CENTER), axis=0)
    carried = graph.op("Reshape", centers, shape)
    steps = graph.ops("Split", graph.op("Cast", whole, to=TensorProto.INT64), outputs=2, num_outputs=2)
    for axis, (count, step) in enumerate(zip((grid.rows, grid.columns), steps, strict=True)):
        last = graph.op("Sub", count, graph.ints(1))
        numbers = graph.op("Range", np.int64(0), graph.op("Squeeze", count, graph.ints(0)), np.int64(1))
        source = graph.op("Max", graph.op("Min", graph.op("Sub", numbers, step), last), graph.ints(0))
        carried = graph.op("Gather", carried, source, axis=axis)
    flat = graph.op("Reshape", carried, graph.op("Concat", cells.number, graph.ints(CENTER), axis=0))
    moved = graph.op("Pad", graph.op("Sub", shift, leaps), graph.ints(3, 0))
    return graph.op("Add", flat, moved), graph.op("Sub", total, leaps)


def outline(graph: GraphBuilder, picture: str, labels: str, darkness: str) -> str:
    """Darkens the pixels whose right or lower neighbour belongs to another region.

    Args:
        graph: Receives the nodes.
        picture: uint8 [H, W, 3].
        labels: int32 [H, W].
        darkness: float32 [], 1 is black.

    Returns:
        uint8 [H, W, 3].
    """
    changes = []
    for axis in (0, 1):
        rest = graph.op("Slice", labels, graph.ints(1), graph.ints(np.iinfo(np.int64).max), graph.ints(axis))
        last = graph.op("Slice", labels, graph.ints(-1), graph.ints(np.iinfo(np.int64).max), graph.ints(axis))
        changes.append(graph.op("Not", graph.op("Equal", labels, graph.op("Concat", rest, last, axis=axis))))
    edge = graph.op("Cast", graph.op("Or", *changes), to=TensorProto.FLOAT)
    light = graph.op("Sub", np.float32(1), graph.op("Mul", edge, darkness))
    levels = graph.op("Cast", picture, to=TensorProto.FLOAT)
    dark = graph.op("Mul", levels, graph.op("Unsqueeze", light, graph.ints(2)))
    return graph.op("Cast", graph.op("Round", dark), to=TensorProto.UINT8)
