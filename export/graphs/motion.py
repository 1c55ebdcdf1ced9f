"""Estimates the global motion of the picture since the previous frame, as dense ONNX operators.

1. View: the mean of the three channels in a grid of 96 x 160 boxes, for every frame size.
2. Search: the middle of the previous view is compared with the new one at 13 x 13 positions (block matching); two
   convolutions compute the sums of squared differences. Small shifts are preferred if there is no difference.
3. Refine below a box by one robust step of B. D. Lucas and T. Kanade, "An iterative image registration technique
   with an application to stereo vision", IJCAI 1981: larger differences have less weight.

A still picture gives exactly zero.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from ..onnx_builder import GraphBuilder, Operand

ROWS, COLUMNS = 96, 160
REACH = 6
HEIGHT, WIDTH = ROWS - 2 * REACH, COLUMNS - 2 * REACH
PLACES = 2 * REACH + 1
MIDDLE = 128.0
PREFERENCE = 0.02
"""Levels^2 per box^2 of shift that the search adds to the mean squared difference."""
TOLERANCE = 16.0
FLAT = 1e-3


def view(graph: GraphBuilder, planes: str) -> str:
    """Step 1: float32 [3, H, W] -> [96, 160], around zero."""
    grey = graph.op("ReduceMean", planes, graph.ints(0), keepdims=0)
    down = _boxes(graph, graph.op("Shape", grey, start=0, end=1), ROWS)
    across = graph.op(
        "Transpose", _boxes(graph, graph.op("Shape", grey, start=1, end=2), COLUMNS), perm=[1, 0]
    )
    return graph.op("Sub", graph.op("MatMul", graph.op("MatMul", down, grey), across), np.float32(MIDDLE))


def shift(graph: GraphBuilder, before: str, now: str) -> str:
    """Steps 2 and 3: motion of the picture (down, right), in boxes, float32 [2]."""
    step = _search(graph, before, now)
    start = graph.op("Add", step, graph.ints(REACH, REACH))
    end = graph.op("Add", start, graph.ints(HEIGHT, WIDTH))
    moved = graph.op("Slice", now, start, end, graph.ints(0, 1))
    rest = _refine(graph, before, moved)
    return graph.op("Add", graph.op("Cast", step, to=TensorProto.FLOAT), rest)


def pixels_per_box(graph: GraphBuilder, height: Operand, width: Operand) -> str:
    """(H / 96, W / 160), float32 [2]."""
    size = graph.op("Cast", graph.op("Concat", height, width, axis=0), to=TensorProto.FLOAT)
    return graph.op("Mul", size, np.array([1 / ROWS, 1 / COLUMNS], np.float32))


def _boxes(graph: GraphBuilder, size: str, number: int) -> str:
    """Averages along one axis: float32 [number, size]."""
    count = graph.op("Squeeze", size, graph.ints(0))
    places = graph.op("Range", np.int64(0), count, np.int64(1))
    box = graph.op("Div", graph.op("Mul", places, graph.ints(number)), size)
    same = graph.op("Equal", np.arange(number).reshape(-1, 1), box)
    ones = graph.op("Cast", same, to=TensorProto.FLOAT)
    sums = graph.op("ReduceSum", ones, graph.ints(1), keepdims=1)
    return graph.op("Div", ones, graph.op("Max", sums, np.float32(1)))


def _search(graph: GraphBuilder, before: str, now: str) -> str:
    """The best whole shift (down, right), int64 [2]."""
    inner = _window(graph, before, 0, 0)
    batch, kernel = (graph.op("Unsqueeze", tensor, graph.ints(0, 1)) for tensor in (now, inner))
    product = graph.op("Conv", batch, kernel)
    box = graph.op(
        "Expand", np.full((1, 1, 1, 1), 1 / (HEIGHT * WIDTH), np.float32), graph.ints(1, 1, HEIGHT, WIDTH)
    )
    power = graph.op("Conv", graph.op("Mul", batch, batch), box)
    difference = graph.op("Sub", power, graph.op("Mul", product, np.float32(2 / (HEIGHT * WIDTH))))
    y, x = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1]
    distance = ((y**2 + x**2) * PREFERENCE).reshape(1, 1, PLACES, PLACES).astype(np.float32)
    cost = graph.op("Reshape", graph.op("Add", difference, distance), graph.ints(-1))
    best = graph.op("ArgMin", cost, axis=0, keepdims=1)
    parts = [graph.op("Div", best, graph.ints(PLACES)), graph.op("Mod", best, graph.ints(PLACES))]
    return graph.op("Sub", graph.op("Concat", *parts, axis=0), graph.ints(REACH, REACH))


def _refine(graph: GraphBuilder, before: str, moved: str) -> str:
    """The fractional shift after the best whole one, float32 [2], at most one box."""
    change = graph.op("Sub", moved, _window(graph, before, 0, 0))
    ratio = graph.op("Mul", change, np.float32(1 / TOLERANCE))
    one = np.float32(1)
    weight = graph.op("Div", one, graph.op("Add", graph.op("Mul", ratio, ratio), one))
    half = np.float32(0.5)
    down = graph.op("Mul", graph.op("Sub", _window(graph, before, 1, 0), _window(graph, before, -1, 0)), half)
    right = graph.op(
        "Mul", graph.op("Sub", _window(graph, before, 0, 1), _window(graph, before, 0, -1)), half
    )

    def mean(left: str, other: str) -> str:
        product = graph.op("Mul", graph.op("Mul", left, other), weight)
        return graph.op(
            "Reshape", graph.op("ReduceMean", product, graph.ints(0, 1), keepdims=0), graph.ints(1)
        )

    yy, xx = (graph.op("Add", mean(slope, slope), np.float32(FLAT)) for slope in (down, right))
    yx, yt, xt = mean(down, right), mean(down, change), mean(right, change)
    # [yy yx; yx xx] rest = -[yt; xt]
    area = graph.op("Sub", graph.op("Mul", yy, xx), graph.op("Mul", yx, yx))
    up = graph.op("Sub", graph.op("Mul", yx, xt), graph.op("Mul", xx, yt))
    left = graph.op("Sub", graph.op("Mul", yx, yt), graph.op("Mul", yy, xt))
    rest = graph.op("Div", graph.op("Concat", up, left, axis=0), graph.op("Max", area, np.float32(FLAT**2)))
    return graph.op("Clip", rest, np.float32(-1), one)


def _window(graph: GraphBuilder, values: str, down: int, right: int) -> str:
    """The middle [84, 148] of a view, shifted by `down` and `right`."""
    start = graph.ints(REACH + down, REACH + right)
    end = graph.ints(REACH + down + HEIGHT, REACH + right + WIDTH)
    return graph.op("Slice", values, start, end, graph.ints(0, 1))
