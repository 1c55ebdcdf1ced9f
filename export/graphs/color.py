"""Colour conversion between sRGB bytes and CIELAB (D65, 2 degrees) as dense ONNX operators.

After IEC 61966-2-1 (sRGB) and CIE 15:2004 (CIELAB); the white point is the matrix's result for R = G = B = 1.
Tensors are float32 with the channels second to last, [..., 3, n]: B, G, R in [0, 255]; L in [0, 100], a, b.

Both curves are linear near black. Instead of selecting per element, power and line are added; each is kept constant by
a clip where the other one applies:

    curve(v) = power(max(v, joint)) + slope * (min(v, joint) - joint)

1. Bytes to linear light: ((v + 14.025) / 269.025)^2.4 above the joint at 0.04045 * 255, as exp(2.4 log).
2. Linear light to XYZ / white: one matrix.
3. f: cube root above the joint at (6/29)^3, as exp(log / 3).
4. f to L, a, b: one matrix; its constant part vanishes for a and b.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..onnx_builder import GraphBuilder

LEVELS = 255.0
XYZ_FROM_RGB = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]], np.float64
)
WHITE = XYZ_FROM_RGB.sum(axis=1)
RELATIVE_XYZ_FROM_BGR = (XYZ_FROM_RGB / WHITE[:, None])[:, ::-1]
LAB_FROM_F = np.array([[0, 116, 0], [500, -500, 0], [0, 200, -200]], np.float64)
DARK = 16.0
BYTE_JOINT, BYTE_OFFSET, BYTE_SLOPE, GAMMA = 0.04045 * LEVELS, 0.055 * LEVELS, 1 / (12.92 * LEVELS), 2.4
ROOT_JOINT = 6 / 29
CUBE_JOINT, CUBE_SLOPE = ROOT_JOINT**3, 1 / (3 * ROOT_JOINT**2)


def lab_from_bgr(graph: GraphBuilder, levels: str) -> str:
    """CIELAB of sRGB levels.

    Args:
        graph: Receives the nodes.
        levels: B, G, R in [0, 255], float32 [..., 3, n].

    Returns:
        L in [0, 100], a, b, float32 [..., 3, n].
    """
    upper = graph.op("Max", levels, np.float32(BYTE_JOINT))
    logarithm = graph.op("Log", graph.op("Add", upper, np.float32(BYTE_OFFSET)))
    exponent = graph.op("Mul", logarithm, np.float32(GAMMA))
    # The divisor 269.025^2.4 is in the matrix; the line's slope is scaled to match it.
    scale = (1.055 * LEVELS) ** -GAMMA
    power = graph.op("Exp", exponent)
    light = _with_line(graph, power, levels, joint=BYTE_JOINT, slope=BYTE_SLOPE / scale)
    relative = graph.op("MatMul", _float(RELATIVE_XYZ_FROM_BGR * scale), light)
    roots = _f(graph, relative)
    lab = graph.op("MatMul", _float(LAB_FROM_F), roots)
    return graph.op("Sub", lab, np.array([[DARK], [0], [0]], np.float32))


def _f(graph: GraphBuilder, relative: str) -> str:
    upper = graph.op("Log", graph.op("Max", relative, np.float32(CUBE_JOINT)))
    root = graph.op("Exp", graph.op("Mul", upper, np.float32(1 / 3)))
    return _with_line(graph, root, relative, joint=CUBE_JOINT, slope=CUBE_SLOPE)


def _with_line(graph: GraphBuilder, power: str, values: str, *, joint: float, slope: float) -> str:
    """The sum power + slope * (min(values, joint) - joint)."""
    lower = graph.op("Sub", graph.op("Min", values, np.float32(joint)), np.float32(joint))
    return graph.op("Add", power, graph.op("Mul", lower, np.float32(slope)))


def _float(matrix: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    return matrix.astype(np.float32)
