"""Exact simplifications: constants are folded, and everything that follows from a fixed frame size."""

from __future__ import annotations

import onnx

from .quiet import quiet

FREE = {"H": 0, "W": 1}


def with_size(model: onnx.ModelProto, size: tuple[int, int]) -> onnx.ModelProto:
    """A copy for one frame size, all shapes worked out.

    Args:
        model: A stage whose `frame` is [H, W, 3].
        size: (height, width) in pixels.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for value in (*copy.graph.input, *copy.graph.output):
        for dimension in value.type.tensor_type.shape.dim:
            axis = FREE.get(dimension.dim_param)
            if axis is not None:
                dimension.dim_value = size[axis]
    return simplified(copy)


def simplified(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy without constant sub-expressions and unused nodes; results do not change."""
    from onnxscript import ir, optimizer

    with quiet():
        folded = optimizer.optimize(ir.serde.deserialize_model(model), num_iterations=2, inline=False)
    result = ir.serde.serialize_model(folded)
    del result.graph.value_info[:]
    onnx.checker.check_model(result)
    return result


def in_order(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose nodes stand behind all that they and their branches read."""
    from onnxscript import ir

    parsed = ir.serde.deserialize_model(model)
    parsed.graph.sort()
    return ir.serde.serialize_model(parsed)
