"""Gives every input at least one dimension, because Triton does not support tensors without dimensions.

strength []   becomes   strength [1] ─► Squeeze ─► strength.number []
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

AXES = "numbers.axes"


def with_vector_inputs(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of the model with scalar inputs as one-element vectors; the results do not change.

    Args:
        model: A stage.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    numbers = [value for value in copy.graph.input if not value.type.tensor_type.shape.dim]
    if not numbers:
        return copy
    inner = {value.name: f"{value.name}.number" for value in numbers}
    _read(copy.graph, inner)
    for value in numbers:
        value.type.tensor_type.shape.dim.add(dim_value=1)
    copy.graph.initializer.append(numpy_helper.from_array(np.array([0], np.int64), AXES))
    nodes = [
        *(helper.make_node("Squeeze", [name, AXES], [number], name=number) for name, number in inner.items()),
        *copy.graph.node,
    ]
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    onnx.checker.check_model(copy)
    return copy


def _read(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Renames the tensors that the nodes of a graph and its branches read."""
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _read(attribute.g, names)
