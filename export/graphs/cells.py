"""A frame as a grid of cells, used by graphs/slic.py.

1. Choose nearly square cells of `height` x `width` pixels, so that rows * columns is closest to the requested number.
2. Fold: pad the frame with zeros to whole cells, equally on opposite sides, and gather the pixels of every cell:

       [rows * height, columns * width, 3]  ->  [cells, 3, height * width]

   Also computed: 1 inside the frame and 0 in the padding, and each pixel's position relative to its cell's middle.
3. Unfold and crop: the inverse.

Tensors of the neighbourhood have an axis of nine: 3 * (dy + 1) + (dx + 1) with dy, dx in -1, 0, 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from ..onnx_builder import GraphBuilder, Operand

NEIGHBOURS = tuple((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1))


@dataclass(frozen=True, slots=True)
class Grid:
    """Sizes, each int64 [1], in pixels or in cells: a tensor's name, or an array where it is known at export."""

    frame_height: Operand
    frame_width: Operand
    height: Operand
    width: Operand
    rows: Operand
    columns: Operand


def choose(graph: GraphBuilder, frame: str, number: Operand, *, most: int) -> Grid:
    """Step 1 inside the graph.

    Args:
        graph: Receives the nodes.
        frame: uint8 [H, W, 3].
        number: Requested number of cells, float32 [1].
        most: Upper limit of the number of cells.
    """
    sizes = [graph.op("Shape", frame, start=axis, end=axis + 1) for axis in (0, 1)]
    height, width = (graph.op("Cast", size, to=TensorProto.FLOAT) for size in sizes)
    area = graph.op("Div", graph.op("Mul", height, width), number)
    across = graph.op("Min", graph.op("Sqrt", area), width)
    down = graph.op("Min", graph.op("Div", area, across), height)
    across = graph.op("Min", graph.op("Div", area, down), width)
    # Two candidates per axis: rounded down, and one more.
    heights = graph.op("Reshape", _candidates(graph, down), graph.ints(2, 1))
    widths = _candidates(graph, across)
    count = graph.op(
        "Mul",
        graph.op("Ceil", graph.op("Div", height, heights)),
        graph.op("Ceil", graph.op("Div", width, widths)),
    )
    miss = graph.op("Abs", graph.op("Sub", count, number))
    forbidden = graph.op("Cast", graph.op("Greater", count, np.float32(most)), to=TensorProto.FLOAT)
    cost = graph.op("Add", miss, graph.op("Mul", forbidden, np.float32(1e9)))
    best = graph.op("ArgMin", graph.op("Reshape", cost, graph.ints(-1)), axis=0, keepdims=1)
    down = graph.op("Gather", _flat(graph, heights), graph.op("Div", best, graph.ints(2)))
    across = graph.op("Gather", _flat(graph, widths), graph.op("Mod", best, graph.ints(2)))
    cell = [graph.op("Cast", value, to=TensorProto.INT64) for value in (down, across)]
    counts = [_ceil_div(graph, size, step) for size, step in zip(sizes, cell, strict=True)]
    return Grid(sizes[0], sizes[1], cell[0], cell[1], counts[0], counts[1])


def _candidates(graph: GraphBuilder, size: str) -> str:
    floor = graph.op("Max", graph.op("Floor", size), np.float32(1))
    return graph.op("Add", floor, np.array([0, 1], np.float32))


def _flat(graph: GraphBuilder, values: str) -> str:
    return graph.op("Reshape", values, graph.ints(-1))


def _ceil_div(graph: GraphBuilder, size: str, step: str) -> str:
    return graph.op("Div", graph.op("Sub", graph.op("Add", size, step), graph.ints(1)), step)


class Cells:
    """Steps 2 and 3 for one grid.

    Attributes:
        grid: The sizes.
        number: rows * columns, int64 [1].
        pixels: height * width, int64 [1].
    """

    def __init__(self, graph: GraphBuilder, grid: Grid) -> None:
        self.grid = grid
        self.number = graph.op("Mul", grid.rows, grid.columns)
        self.pixels = graph.op("Mul", grid.height, grid.width)
        self._full_height = graph.op("Mul", grid.rows, grid.height)
        self._full_width = graph.op("Mul", grid.columns, grid.width)
        two = graph.ints(2)
        self._top = graph.op("Div", graph.op("Sub", self._full_height, grid.frame_height), two)
        self._left = graph.op("Div", graph.op("Sub", self._full_width, grid.frame_width), two)

    def fold(self, graph: GraphBuilder, frame: str) -> str:
        """[H, W, 3] -> [cells, 3, pixels], any type."""
        grid = self.grid
        shape = graph.op("Concat", grid.rows, grid.height, grid.columns, grid.width, graph.ints(3), axis=0)
        blocks = graph.op("Reshape", graph.op("Pad", frame, self._pads(graph, channel_axis=2)), shape)
        moved = graph.op("Transpose", blocks, perm=[0, 2, 1, 3, 4])
        flat = graph.op("Concat", self.number, self.pixels, graph.ints(3), axis=0)
        return graph.op("Transpose", graph.op("Reshape", moved, flat), perm=[0, 2, 1])

    def fold_planes(self, graph: GraphBuilder, planes: str) -> str:
        """[3, H, W] -> [cells, 3, pixels], any type."""
        grid = self.grid
        shape = graph.op("Concat", graph.ints(3), grid.rows, grid.height, grid.columns, grid.width, axis=0)
        blocks = graph.op("Reshape", graph.op("Pad", planes, self._pads(graph, channel_axis=0)), shape)
        moved = graph.op("Transpose", blocks, perm=[1, 3, 0, 2, 4])
        flat = graph.op("Concat", self.number, graph.ints(3), self.pixels, axis=0)
        return graph.op("Reshape", moved, flat)

    def _pads(self, graph: GraphBuilder, *, channel_axis: int) -> str:
        grid = self.grid
        before: list[Operand] = [self._top, self._left]
        after: list[Operand] = [
            self._rest(graph, self._full_height, grid.frame_height, self._top),
            self._rest(graph, self._full_width, grid.frame_width, self._left),
        ]
        for pads in (before, after):
            pads.insert(channel_axis, graph.ints(0))
        return graph.op("Concat", *before, *after, axis=0)

    def places(self, graph: GraphBuilder) -> str:
        """Position (y, x, 1) of every pixel from its cell's middle, 0 in the padding, float32 [cells, 3, pixels]."""
        grid = self.grid
        rows = self._inside(graph, grid.rows, grid.height, self._top, grid.frame_height)
        columns = self._inside(graph, grid.columns, grid.width, self._left, grid.frame_width)
        rows = graph.op("Unsqueeze", rows, graph.ints(1, 3))
        columns = graph.op("Unsqueeze", columns, graph.ints(0, 2))
        shape = graph.op("Concat", self.number, graph.ints(1), self.pixels, axis=0)
        inside = graph.op("Reshape", graph.op("Mul", rows, columns), shape)
        y = graph.op("Unsqueeze", self._middle_out(graph, grid.height), graph.ints(1))
        x = graph.op("Unsqueeze", self._middle_out(graph, grid.width), graph.ints(0))
        ones = [graph.op("Add", graph.op("Mul", value, np.float32(0)), np.float32(1)) for value in (y, x)]
        planes = [graph.op("Mul", y, ones[1]), graph.op("Mul", ones[0], x), graph.op("Mul", *ones)]
        stacked = graph.op(
            "Concat", *(graph.op("Unsqueeze", plane, graph.ints(0)) for plane in planes), axis=0
        )
        flat = graph.op("Reshape", stacked, graph.op("Concat", graph.ints(1, 3), self.pixels, axis=0))
        return graph.op("Mul", flat, inside)

    def unfold(self, graph: GraphBuilder, cells: str, *, channels: int, out: str | None = None) -> str:
        """[cells, pixels, channels] -> [H, W, channels], or [H, W] for 0 channels; any type."""
        grid = self.grid
        last = [graph.ints(channels)] if channels else []
        shape = graph.op("Concat", grid.rows, grid.columns, grid.height, grid.width, *last, axis=0)
        perm = [0, 2, 1, 3, 4][: 5 if channels else 4]
        moved = graph.op("Transpose", graph.op("Reshape", cells, shape), perm=perm)
        flat = graph.op("Concat", self._full_height, self._full_width, *last, axis=0)
        start = graph.op("Concat", self._top, self._left, axis=0)
        size = graph.op("Concat", grid.frame_height, grid.frame_width, axis=0)
        end = graph.op("Add", start, size)
        return graph.op("Slice", graph.op("Reshape", moved, flat), start, end, graph.ints(0, 1), out=out)

    def neighbours(self, graph: GraphBuilder, values: str, *, channels: int) -> str:
        """float32 [cells, channels] -> [cells, channels, 9]: the nine cells around, zeros outside the grid."""
        padded = self._padded(graph, values, graph.ints(channels))
        parts = [self._window(graph, padded, 1 + dy, 1 + dx) for dy, dx in NEIGHBOURS]
        stacked = graph.op("Concat", *(graph.op("Unsqueeze", part, graph.ints(3)) for part in parts), axis=3)
        shape = graph.op("Concat", self.number, graph.ints(channels, 9), axis=0)
        return graph.op("Reshape", stacked, shape)

    def bring_home(self, graph: GraphBuilder, values: str, *, channels: int) -> str:
        """Nine shifted adds, the transpose of `neighbours`: float32 [cells, 9, channels] -> [cells, channels]."""
        padded = self._padded(graph, values, graph.ints(9 * channels))
        parts = []
        for index, (dy, dx) in enumerate(NEIGHBOURS):
            first = index * channels
            part = graph.op("Slice", padded, graph.ints(first), graph.ints(first + channels), graph.ints(2))
            parts.append(self._window(graph, part, 1 - dy, 1 - dx))
        total = graph.op("Sum", *parts)
        return graph.op("Reshape", total, graph.op("Concat", self.number, graph.ints(channels), axis=0))

    def shifts(self, graph: GraphBuilder) -> str:
        """Offsets of the nine neighbours' middles, (y, x) in pixels, float32 [9, 2]."""
        size = graph.op("Concat", self.grid.height, self.grid.width, axis=0)
        return graph.op("Mul", np.array(NEIGHBOURS, np.float32), graph.op("Cast", size, to=TensorProto.FLOAT))

    def _padded(self, graph: GraphBuilder, values: str, last: Operand) -> str:
        shape = graph.op("Concat", self.grid.rows, self.grid.columns, last, axis=0)
        return graph.op("Pad", graph.op("Reshape", values, shape), graph.ints(1, 1, 0, 1, 1, 0))

    def _window(self, graph: GraphBuilder, padded: str, row: int, column: int) -> str:
        size = graph.op("Concat", self.grid.rows, self.grid.columns, axis=0)
        start = graph.ints(row, column)
        return graph.op("Slice", padded, start, graph.op("Add", start, size), graph.ints(0, 1))

    @staticmethod
    def _rest(graph: GraphBuilder, full: str, size: Operand, before: str) -> str:
        return graph.op("Sub", graph.op("Sub", full, size), before)

    @staticmethod
    def _inside(graph: GraphBuilder, cells: Operand, step: Operand, before: str, size: Operand) -> str:
        """Along one axis, 1 inside the frame and 0 in the padding: float32 [cells, step]."""
        number = graph.op("Squeeze", graph.op("Mul", cells, step), graph.ints(0))
        place = graph.op("Sub", graph.op("Range", np.int64(0), number, np.int64(1)), before)
        inside = graph.op(
            "And", graph.op("GreaterOrEqual", place, graph.ints(0)), graph.op("Less", place, size)
        )
        shape = graph.op("Concat", cells, step, axis=0)
        return graph.op("Reshape", graph.op("Cast", inside, to=TensorProto.FLOAT), shape)

    @staticmethod
    def _middle_out(graph: GraphBuilder, size: Operand) -> str:
        """0 .. size - 1 minus the middle, float32 [size]."""
        number = graph.op("Squeeze", size, graph.ints(0))
        places = graph.op("Cast", graph.op("Range", np.int64(0), number, np.int64(1)), to=TensorProto.FLOAT)
        last = graph.op("Cast", graph.op("Sub", size, graph.ints(1)), to=TensorProto.FLOAT)
        return graph.op("Sub", places, graph.op("Mul", last, np.float32(0.5)))
