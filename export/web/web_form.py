"""Rewrites a stage into a form that onnxruntime-web accepts on WebGPU, with the same results.

A shader can bind about ten buffers, and onnxruntime-web binds one per output, so the Split that cuts `style` into the
scales and shifts of all layers becomes one Slice per output.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import helper, numpy_helper

MOST_OUTPUTS = 6


def web_form(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of the model for browsers with the same inputs, outputs and metadata.

    Args:
        model: A stage.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    constants = {entry.name: numpy_helper.to_array(entry) for entry in copy.graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in copy.graph.node:
        wide = node.op_type == "Split" and len(node.output) > MOST_OUTPUTS
        nodes += _slices(copy.graph, node, constants[node.input[1]]) if wide else [node]
    nodes = [_copied(node) for node in nodes]
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    onnx.checker.check_model(copy)
    return copy


def _slices(graph: onnx.GraphProto, split: onnx.NodeProto, sizes: np.ndarray) -> Iterator[onnx.NodeProto]:
    (axis,) = [attribute.i for attribute in split.attribute if attribute.name == "axis"] or [0]
    ends = np.cumsum(sizes)
    graph.initializer.append(numpy_helper.from_array(np.array([axis], np.int64), f"{split.name}.axis"))
    for output, begin, end in zip(split.output, ends - sizes, ends, strict=True):
        bounds = [f"{output}.begin", f"{output}.end"]
        for name, place in zip(bounds, (begin, end), strict=True):
            graph.initializer.append(numpy_helper.from_array(np.array([place], np.int64), name))
        yield helper.make_node(
            "Slice", [split.input[0], *bounds, f"{split.name}.axis"], [output], name=f"{output}.slice"
        )


def _copied(node: onnx.NodeProto) -> onnx.NodeProto:
    """Copies a node, because the graph's nodes are deleted with its list."""
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    return copy
