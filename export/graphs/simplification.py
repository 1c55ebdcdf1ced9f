"""Simplifies the reduced frame before it is painted: see models/networks/simplification.py.

1. Differences of the luma to the next pixel of the row and of the column, and their squares.
2. Means of colours and squares over every square, first along one axis, then along the other.
3. calm = (CALM / (unrest + CALM))^4.
4. The mean of the four squares with a corner in a pixel, and of the pixel itself, weighted by calm.
"""

from __future__ import annotations

import numpy as np

from ...models.networks.simplification import CALM, OWN
from ..onnx_builder import GraphBuilder
from .enlarge import LUMA_BGR, WINDOW


def simplified(graph: GraphBuilder, columns: str, square_px: int) -> str:
    """Adds all steps.

    Args:
        graph: Receives the nodes.
        columns: float32 [w, 3, h], BGR in [0, 255]; columns first, as `reduced` gives them.
        square_px: Side of the squares, at least 2.

    Returns:
        uint8 [h, w, 3], BGR.
    """
    apart = square_px - 1
    image = graph.op("Transpose", graph.op("Round", columns), perm=[1, 0, 2])
    image = graph.op(
        "Unsqueeze", image, graph.ints(0)
    )  # [1, 3, w, h], the same levels as the bytes of `Reduced.image`
    ahead = graph.op("Pad", image, graph.ints(0, 0, 0, 0, 0, 0, 1, 1), mode="edge")
    slopes = graph.op("Conv", ahead, graph.weight(_slopes(), f"{WINDOW}.slopes"))  # [1, 2, w, h]
    everything = graph.op("Concat", image, graph.op("Mul", slopes, slopes), axis=1)
    wide = graph.op("Pad", everything, graph.ints(0, 0, apart, apart, 0, 0, apart, apart), mode="edge")
    first, second = _means(square_px)
    means = graph.op("Conv", wide, graph.weight(first, f"{WINDOW}.squares.first"), group=5)
    means = graph.op("Conv", means, graph.weight(second, f"{WINDOW}.squares.second"))
    color, unrest = graph.ops("Split", means, graph.ints(3, 1), outputs=2, axis=1)
    level = np.float32(CALM * 255**2)
    calm = graph.op("Div", level, graph.op("Add", unrest, level))
    for _ in range(2):
        calm = graph.op("Mul", calm, calm)
    weighed = graph.op("Concat", graph.op("Mul", color, calm), calm, axis=1)
    for axis in (2, 3):
        before = graph.op("Slice", weighed, graph.ints(0), graph.ints(-apart), graph.ints(axis))
        behind = graph.op(
            "Slice", weighed, graph.ints(apart), graph.ints(np.iinfo(np.int64).max), graph.ints(axis)
        )
        weighed = graph.op("Add", before, behind)
    color, calm = graph.ops("Split", weighed, graph.ints(3, 1), outputs=2, axis=1)
    color = graph.op("Add", color, graph.op("Mul", image, np.float32(OWN)))
    color = graph.op("Div", color, graph.op("Add", calm, np.float32(OWN)))
    image = graph.op("QuantizeLinear", color, np.float32(1), np.uint8(0))
    return graph.op("Squeeze", graph.op("Transpose", image, perm=[0, 3, 2, 1]), graph.ints(0))


def _slopes() -> np.ndarray:
    """Step 1: [2, 3, 2, 2], differences of the luma of BGR along the first and along the second axis."""
    steps = np.array([[[-1, 0], [1, 0]], [[-1, 1], [0, 0]]], np.float32)
    return np.asarray(np.einsum("c,dij->dcij", np.array(LUMA_BGR, np.float32), steps))


def _means(square_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Step 2: [5, 1, square_px, 1] for the first axis; [4, 5, 1, square_px] for the second, which adds both squares.

    The difference to the next pixel leads out of the square at its end, where it does not count.
    """
    whole = np.full(square_px, 1 / square_px, np.float32)
    within = np.append(np.full(square_px - 1, 1 / (square_px - 1), np.float32), np.float32(0))
    first = np.stack([whole, whole, whole, within, whole])[:, None, :, None]
    second = np.zeros((4, 5, 1, square_px), np.float32)
    second[[0, 1, 2, 3], [0, 1, 2, 3]] = whole
    second[3, 4] = within
    return first, second
