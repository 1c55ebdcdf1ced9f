"""Converts a graph to fp16: weights and activations are half as large; parts that need range or accuracy stay in fp32.

Between the first and the last convolution, convolutions and light operators run in fp16. These stay in fp32: the
statistics of instance normalisation, reductions and matrix products (distances of k-means and SLIC), resampling,
variances, conversions to bytes, and the last convolution and all nodes after it. Inputs, outputs and metadata keep
their types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .graphs.enlarge import WINDOW
from .tensor_types import tensor_types

HALF = ".half"
# Operators that only move values, multiply them by weights, or add them.
HALF_OPERATORS = """
    Add Concat Conv DepthToSpace Mul Pad Relu Reshape Sigmoid Slice SpaceToDepth Squeeze Sub Transpose Unsqueeze
"""


def to_fp16(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of the model with convolutions and the light operators between them in fp16.

    Args:
        model: A float32 stage. A stage without convolutions is returned unchanged, because it needs full accuracy.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    convolutions = [
        node.name
        for node in copy.graph.node
        if node.op_type == "Conv" and not node.input[1].startswith(WINDOW)
    ]
    if len(convolutions) < 2:
        return copy
    region = (_behind(copy.graph, convolutions[0]) | {convolutions[0]}) & _before(
        copy.graph, convolutions[-1]
    )
    writer = _Writer(copy, region)
    nodes = [made for node in copy.graph.node for made in writer.rewritten(node)]
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    _drop_unused(copy.graph)
    onnx.checker.check_model(copy)
    return copy


class _Writer:
    """Adds an fp16 tensor `NAME.half` for every float32 tensor that nodes of the fp16 region read or write."""

    def __init__(self, model: onnx.ModelProto, region: set[str]) -> None:
        self._graph = model.graph
        self._types = tensor_types(model)
        self._weights = {initializer.name: initializer for initializer in model.graph.initializer}
        self._region = region
        self._made: set[str] = set()
        self._wanted = set(self._read_outside())

    def rewritten(self, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        """The node with the casts that it needs."""
        if not self._is_half(node):
            yield node
            return
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        for index, name in enumerate(node.input):
            if self._types.get(name) == TensorProto.FLOAT:
                yield from self._half_input(name)
                copy.input[index] = name + HALF
        outputs = [name for name in node.output if self._types.get(name) == TensorProto.FLOAT]
        copy.output[:] = [name + HALF if name in outputs else name for name in node.output]
        self._made.update(name + HALF for name in outputs)
        yield copy
        for name in outputs:
            if name in self._wanted:
                yield helper.make_node(
                    "Cast", [name + HALF], [name], name=f"{name}.full", to=TensorProto.FLOAT
                )

    def _is_half(self, node: onnx.NodeProto) -> bool:
        return node.name in self._region and node.op_type in HALF_OPERATORS.split()

    def _half_input(self, name: str) -> Iterator[onnx.NodeProto]:
        half = name + HALF
        if half in self._made:
            return
        self._made.add(half)
        if name in self._weights:
            values = numpy_helper.to_array(self._weights[name]).astype(np.float16)
            self._graph.initializer.append(numpy_helper.from_array(values, half))
        else:
            yield helper.make_node("Cast", [name], [half], name=f"{name}.cast", to=TensorProto.FLOAT16)

    def _read_outside(self) -> Iterator[str]:
        """Tensors that are read in fp32: by other nodes, branches, or as outputs of the graph."""
        yield from (value.name for value in self._graph.output)
        for node in self._graph.node:
            if not self._is_half(node):
                yield from _all_inputs(node)


def _all_inputs(node: onnx.NodeProto) -> Iterator[str]:
    yield from node.input
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            for inner in attribute.g.node:
                yield from _all_inputs(inner)


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in _all_inputs(node)}
    kept = [initializer for initializer in graph.initializer if initializer.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _before(graph: onnx.GraphProto, name: str) -> set[str]:
    """Names of the nodes that the named one depends on."""
    makers = {output: node.name for node in graph.node for output in node.output}
    return _reached(graph, name, lambda node: [makers[tensor] for tensor in node.input if tensor in makers])


def _behind(graph: onnx.GraphProto, name: str) -> set[str]:
    """Names of the nodes that depend on the named one."""
    users: dict[str, list[str]] = {}
    for node in graph.node:
        for tensor in _all_inputs(node):
            users.setdefault(tensor, []).append(node.name)
    return _reached(
        graph, name, lambda node: [user for output in node.output for user in users.get(output, ())]
    )


def _reached(graph: onnx.GraphProto, name: str, step: Callable[[onnx.NodeProto], list[str]]) -> set[str]:
    nodes = {node.name: node for node in graph.node}
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for other in step(nodes[waiting.pop()]):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found
