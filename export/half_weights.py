"""Stores large weights as float16 and widens them once at load: half the file, float32 arithmetic."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LARGE = 1024  # numbers; biases and constants stay as they are
STORED = ".stored"


def with_half_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose large float32 initializers are float16, each with a Cast that every runtime folds at load.

    Args:
        model: A float32 stage; weights that float16 cannot say exactly are rounded.
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
