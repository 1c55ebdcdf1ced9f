"""Exact simplifications: folds constants, and everything that depends on a fixed frame size."""

from __future__ import annotations

import onnx

from .quiet import quiet

FREE = {"H": 0, "W": 1}


def with_size(model: onnx.ModelProto, size: tuple[int, int]) -> onnx.ModelProto:
    """A copy of the model for one frame size, with all shapes computed.

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
    """A copy of the model without constant sub-expressions and unused nodes; the results do not change."""
    from onnxscript import ir, optimizer

    with quiet():
        folded = optimizer.optimize(ir.serde.deserialize_model(model), num_iterations=2, inline=False)
    result = ir.serde.serialize_model(folded)
    del result.graph.value_info[:]
    onnx.checker.check_model(result)
    return result


def in_order(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of the model with nodes in topological order, including what their branches read."""
    from onnxscript import ir

    parsed = ir.serde.deserialize_model(model)
    parsed.graph.sort()
    return ir.serde.serialize_model(parsed)
