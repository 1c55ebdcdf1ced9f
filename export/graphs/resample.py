"""Resampling along one axis as a product with a band matrix: exact for any pair of lengths, with only matrix products.

Every element of the result is a weighted mean of a few neighbours in the source:

    area    the part of the source that it covers      for reduction, without aliasing
    linear  the two nearest, by distance               for enlargement

The matrix is zero outside a band around its diagonal, so it is cut into blocks, and each block uses its own window of
the source:

    result   0 1 2 3 | 4 5 6 7 | ...       `rows` elements a block
    source   0 1 2 3 4 5                   its window, `width` elements
                   3 4 5 6 7 8

1. Start and width of the windows follow from the two lengths.
2. Weights are computed from distances: hat functions for `linear`, overlaps for `area`.
3. The windows are gathered and multiplied by the weights, block by block.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from ..onnx_builder import GraphBuilder, Operand

ROWS = {"area": 8, "linear": 16}
"""Elements per block of the result: fewer when a window contains many elements of the source."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How one axis is resampled.

    Args:
        windows: Index into the source, int64 [blocks * width].
        weights: float32 [blocks, rows, width].
        length: Length of the result, int64 [1].
    """

    windows: str
    weights: str
    length: str


def plan(graph: GraphBuilder, source: str, result: str, *, kind: str) -> Plan:
    """Steps 1 and 2.

    Args:
        graph: Receives the nodes.
        source: Length of the source, int64 [1].
        result: Length of the result, int64 [1].
        kind: "area" or "linear".
    """
    rows = ROWS[kind]
    last = graph.op("Sub", source, graph.ints(1))
    step = graph.op("Div", _float(graph, source), _float(graph, result))
    index = graph.op("Reshape", _range(graph, padded(graph, result, rows)), graph.ints(-1, rows, 1))
    low, high = (_area if kind == "area" else _linear)(graph, _float(graph, index), step, last)
    first = graph.op("Floor", graph.op("Slice", low, graph.ints(0), graph.ints(1), graph.ints(1)))
    width = graph.op("Floor", graph.op("Mul", step, np.array([rows], np.float32)))
    width = graph.op("Add", graph.op("Cast", width, to=TensorProto.INT64), graph.ints(3))
    columns = graph.op("Add", first, _float(graph, _range(graph, width)))  # [blocks, 1, width]
    weights = (_overlaps if kind == "area" else _hats)(graph, low, high, columns)
    weights = graph.op("Div", weights, step) if kind == "area" else weights
    windows = graph.op("Reshape", graph.op("Cast", columns, to=TensorProto.INT64), graph.ints(-1))
    return Plan(graph.op("Min", windows, last), weights, result)


def resampled(graph: GraphBuilder, x: str, how: Plan, *, crop: bool = True) -> str:
    """Step 3: [n, m] of any type -> float32 [length, m]; without `crop`, the padding of the last block stays.

    Args:
        graph: Receives the nodes.
        x: The source, resampled along its first axis.
        how: From `plan`.
        crop: Remove the padding of the last block.
    """
    gathered = graph.op("Gather", x, how.windows, axis=0)
    inner = graph.op("Shape", x, start=1, end=2)
    width = graph.op("Shape", how.weights, start=2, end=3)
    shape = graph.op("Concat", graph.ints(-1), width, inner, axis=0)
    blocks = graph.op("Cast", graph.op("Reshape", gathered, shape), to=TensorProto.FLOAT)
    product = graph.op("MatMul", how.weights, blocks)
    rows = graph.op("Reshape", product, graph.op("Concat", graph.ints(-1), inner, axis=0))
    return graph.op("Slice", rows, graph.ints(0), how.length, graph.ints(0)) if crop else rows


def padded(graph: GraphBuilder, length: str, rows: int) -> str:
    """The length, rounded up to whole blocks of `rows`: int64 [1]."""
    whole = graph.op("Div", graph.op("Add", length, graph.ints(rows - 1)), graph.ints(rows))
    return graph.op("Mul", whole, graph.ints(rows))


def _area(graph: GraphBuilder, index: str, step: str, last: str) -> tuple[str, str]:
    """Start and end, in the source, of the range that each element covers."""
    low = graph.op("Min", graph.op("Mul", index, step), _float(graph, last))
    return low, graph.op("Add", low, step)


def _overlaps(graph: GraphBuilder, low: str, high: str, columns: str) -> str:
    end = graph.op("Min", high, graph.op("Add", columns, np.float32(1)))
    return graph.op("Relu", graph.op("Sub", end, graph.op("Max", low, columns)))


def _linear(graph: GraphBuilder, index: str, step: str, last: str) -> tuple[str, str]:
    """Position in the source of each element's centre, twice."""
    centre = graph.op("Mul", graph.op("Add", index, np.float32(0.5)), step)
    centre = graph.op("Max", graph.op("Sub", centre, np.float32(0.5)), np.float32(0))
    centre = graph.op("Min", centre, _float(graph, last))
    return centre, centre


def _hats(graph: GraphBuilder, low: str, high: str, columns: str) -> str:
    distance = graph.op("Abs", graph.op("Sub", high, columns))
    return graph.op("Relu", graph.op("Sub", np.float32(1), distance))


def _float(graph: GraphBuilder, x: Operand) -> str:
    return graph.op("Cast", x, to=TensorProto.FLOAT)


def _range(graph: GraphBuilder, count: str) -> str:
    return graph.op("Range", np.int64(0), graph.op("Squeeze", count, graph.ints(0)), np.int64(1))
