"""Reduces the frame to the working size: strokes are relative to the picture, not to the pixel grid.

1. The short side becomes `360 / stroke` pixels, the long side in proportion, both rounded to a multiple of eight, as
   the network needs. A smaller frame keeps its size. With the rim that the network adds, it paints 392 at stroke 1.
2. Every pixel is the mean of the area that it covers in the frame, rows first, which avoids aliasing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from ..onnx_builder import GraphBuilder, Operand
from .resample import plan, resampled

SHORT_SIDE_PX = 360
"""Short side of the working size at stroke 1, in pixels."""
STEP_PX = 8


@dataclass(frozen=True, slots=True)
class Reduced:
    """A frame at its working size.

    Args:
        columns: float32 [w, 3, h], BGR in [0, 255], not rounded; columns first, as it comes out of the reduction.
        image: uint8 [h, w, 3], BGR: the input of the network.
        size: (h, w), int64 [1] each.
        frame_size: (H, W), int64 [1] each.
    """

    columns: str
    image: str
    size: tuple[str, str]
    frame_size: tuple[str, str]


def working_size(height: int, width: int, *, stroke: float = 1.0) -> tuple[int, int]:
    """The working size that `reduced` computes in the graph: (h, w) in pixels."""
    short = min(height, width)
    target = STEP_PX * max(int(np.rint(np.float32(SHORT_SIDE_PX / STEP_PX) / np.float32(stroke))), 1)
    if target >= short:
        return height, width
    steps = [(side * target + short * STEP_PX // 2) // (short * STEP_PX) for side in (height, width)]
    return STEP_PX * steps[0], STEP_PX * steps[1]


def reduced(graph: GraphBuilder, frame: str, stroke: Operand) -> Reduced:
    """Adds both steps.

    Args:
        graph: Receives the nodes.
        frame: uint8 [H, W, 3], BGR.
        stroke: float32 [], above 0.
    """
    height, width = (graph.op("Shape", frame, start=axis, end=axis + 1) for axis in (0, 1))
    small_height, small_width = _working_size(graph, height, width, stroke)
    rows = graph.op("Reshape", frame, graph.ints(0, -1))
    x = resampled(graph, rows, plan(graph, height, small_height, kind="area"))  # [h, W * 3]
    x = graph.op("Transpose", x, perm=[1, 0])
    x = graph.op("Reshape", x, graph.op("Concat", width, graph.ints(-1), axis=0))
    x = resampled(graph, x, plan(graph, width, small_width, kind="area"))  # [w, 3 * h]
    columns = graph.op("Reshape", x, graph.ints(0, 3, -1))
    image = graph.op("QuantizeLinear", columns, np.float32(1), np.uint8(0))
    image = graph.op("Transpose", image, perm=[2, 0, 1])
    return Reduced(columns, image, (small_height, small_width), (height, width))


def _working_size(graph: GraphBuilder, height: str, width: str, stroke: Operand) -> tuple[str, str]:
    short = graph.op("Min", height, width)
    steps = graph.op("Round", graph.op("Div", np.float32(SHORT_SIDE_PX / STEP_PX), stroke))
    steps = graph.op("Reshape", graph.op("Cast", steps, to=TensorProto.INT64), graph.ints(1))
    target = graph.op("Mul", graph.op("Max", steps, graph.ints(1)), graph.ints(STEP_PX))
    whole = graph.op("Mul", short, graph.ints(STEP_PX))
    sizes = []
    for side in (height, width):
        middle = graph.op("Div", whole, graph.ints(2))
        small = graph.op("Div", graph.op("Add", graph.op("Mul", side, target), middle), whole)
        small = graph.op("Mul", small, graph.ints(STEP_PX))
        sizes.append(graph.op("Where", graph.op("Less", target, short), small, side))
    return sizes[0], sizes[1]
