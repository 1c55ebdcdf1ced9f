"""Stores large weights as float16 and converts them to float32 once at load: half the file size, same arithmetic."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LARGE = 1024  # number of values; biases and constants stay unchanged
STORED = ".stored"


def with_half_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of the model with large float32 initializers as float16, each with a Cast that runtimes fold at load.

    Args:
        model: A float32 stage; weights that float16 cannot represent are rounded.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    casts = []
    for initializer in copy.graph.initializer:
        if initializer.data_type != TensorProto.FLOAT or np.prod(initializer.dims) < LARGE:
            continue
        name = initializer.name
        values = numpy_helper.to_array(initializer).astype(np.float16)
        initializer.CopyFrom(numpy_helper.from_array(values, name + STORED))
        casts.append(
            helper.make_node("Cast", [name + STORED], [name], name=f"{name}.widen", to=TensorProto.FLOAT)
        )
    nodes = [*casts, *copy.graph.node]
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    onnx.checker.check_model(copy)
    return copy
