"""Rewrites a stage into a form that TensorRT accepts, with the same results.

TensorRT supports bytes only at inputs and outputs, so layout changes that run on bytes for speed on CPUs run on floats
here:

1. Every uint8 input is followed by a Cast, every uint8 output comes after a Cast; all other uint8 tensors become
float32. 2. Casts from bytes are removed; casts to bytes become Floor (they truncate); QuantizeLinear to bytes becomes
   Round and Clip; DequantizeLinear becomes Sub and Mul.
3. InstanceNormalization with computed scale and bias becomes one with constants, a Mul and an Add, because older
   parsers need initializers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .tensor_types import tensor_infos

UINT8, FLOAT = TensorProto.UINT8, TensorProto.FLOAT


def tensorrt_form(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of the model for TensorRT with the same inputs, outputs and metadata.

    Args:
        model: A stage, float32 or float16 inside.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    rewriter = _Rewriter(tensor_infos(model))
    edges = [
        (value.name, f"{value.name}.float") for value in copy.graph.input if rewriter.is_bytes(value.name)
    ]
    results = [
        (value.name, f"{value.name}.float") for value in copy.graph.output if rewriter.is_bytes(value.name)
    ]
    rewriter.rewrite(copy.graph, dict(edges + results))
    casts = [
        helper.make_node("Cast", [name], [inner], name=f"{inner}.cast", to=FLOAT) for name, inner in edges
    ]
    nodes = [*casts, *copy.graph.node]
    nodes += [
        helper.make_node("Cast", [inner], [name], name=f"{inner}.cast", to=UINT8) for name, inner in results
    ]
    del copy.graph.node[:]
    copy.graph.node.extend(nodes)
    onnx.checker.check_model(copy)
    return copy


class _Rewriter:
    """Rewrites a graph and its branches."""

    def __init__(self, infos: dict[str, tuple[int, tuple[int | None, ...]]]) -> None:
        self._infos = infos
        self._types = {name: info[0] for name, info in infos.items()}
        self._constants: dict[str, onnx.TensorProto] = {}

    def is_bytes(self, name: str) -> bool:
        return self._types.get(name) == UINT8

    def rewrite(self, graph: onnx.GraphProto, names: dict[str, str]) -> None:
        """Replaces nodes in place; `names` maps renamed tensors."""
        self._constants |= {initializer.name: initializer for initializer in graph.initializer}
        nodes = [node for old in graph.node for node in self._node(graph, old, names)]
        del graph.node[:]
        graph.node.extend(nodes)
        for initializer in graph.initializer:
            if initializer.data_type == UINT8:
                values = numpy_helper.to_array(initializer).astype(np.float32)
                initializer.CopyFrom(numpy_helper.from_array(values, initializer.name))
        del graph.value_info[:]

    def _node(
        self, graph: onnx.GraphProto, old: onnx.NodeProto, names: dict[str, str]
    ) -> Iterator[onnx.NodeProto]:
        node = onnx.NodeProto()
        node.CopyFrom(old)
        node.input[:] = [names.get(name, name) for name in old.input]
        node.output[:] = [names.get(name, name) for name in old.output]
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                self._branch(attribute.g, names)
        if old.op_type == "Cast" and self.is_bytes(old.input[0]):
            yield self._cast_from_bytes(node)
        elif old.op_type == "Cast" and self.is_bytes(old.output[0]):
            yield self._cast_to_bytes(node, self._types.get(old.input[0]))
        elif old.op_type == "QuantizeLinear" and self.is_bytes(old.output[0]):
            yield from self._round(graph, node)
        elif old.op_type == "DequantizeLinear" and self.is_bytes(old.input[0]):
            yield from self._dequantize(graph, node)
        elif old.op_type == "InstanceNormalization" and any(n not in self._constants for n in old.input[1:]):
            yield from self._normalise(graph, node)
        else:
            yield node

    def _branch(self, graph: onnx.GraphProto, names: dict[str, str]) -> None:
        for value in graph.output:
            if value.type.tensor_type.elem_type == UINT8:
                value.type.tensor_type.elem_type = FLOAT
            value.name = names.get(value.name, value.name)
        self.rewrite(graph, names)

    def _cast_from_bytes(self, node: onnx.NodeProto) -> onnx.NodeProto:
        if node.attribute[0].i == FLOAT:
            return helper.make_node("Identity", node.input, node.output, name=node.name)
        return node

    def _cast_to_bytes(self, node: onnx.NodeProto, kind: int | None) -> onnx.NodeProto:
        if kind in (FLOAT, TensorProto.FLOAT16):
            return helper.make_node("Floor", node.input, node.output, name=node.name)
        node.attribute[0].i = FLOAT
        return node

    def _round(self, graph: onnx.GraphProto, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        x, scale, name, result = node.input[0], self._array(node.input[1]), node.name, node.output[0]
        if scale.item() != 1:
            yield helper.make_node("Div", [x, node.input[1]], [f"{name}.scaled"], name=f"{name}.scaled")
            x = f"{name}.scaled"
        low, high = (self._constant(graph, f"{name}.{value}", np.float32(value)) for value in (0, 255))
        yield helper.make_node("Round", [x], [f"{name}.rounded"], name=f"{name}.rounded")
        yield helper.make_node("Clip", [f"{name}.rounded", low, high], [result], name=f"{name}.clipped")

    def _dequantize(self, graph: onnx.GraphProto, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        zero = self._array(node.input[2]).astype(np.float32) if len(node.input) > 2 else np.float32(0)
        shift = self._constant(graph, f"{node.name}.zero", np.asarray(zero, np.float32))
        yield helper.make_node(
            "Sub", [node.input[0], shift], [f"{node.name}.centred"], name=f"{node.name}.centred"
        )
        yield helper.make_node("Mul", [f"{node.name}.centred", node.input[1]], node.output, name=node.name)

    def _normalise(self, graph: onnx.GraphProto, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
        x, scale, shift = node.input
        ones, zeros = f"{node.name}.ones", f"{node.name}.zeros"
        kind, (size,) = self._infos[scale]
        dtype = helper.tensor_dtype_to_np_dtype(kind)
        axes = self._constant(graph, f"{node.name}.axes", np.array([1, 2], np.int64))
        ones = self._constant(graph, f"{node.name}.ones", np.ones(size or 0, dtype))
        zeros = self._constant(graph, f"{node.name}.zeros", np.zeros(size or 0, dtype))
        plain = helper.make_node(
            "InstanceNormalization", [x, ones, zeros], [f"{node.name}.plain"], name=node.name
        )
        plain.attribute.extend(node.attribute)
        yield plain
        for tensor in (scale, shift):
            column = f"{node.name}.{tensor}"
            yield helper.make_node("Unsqueeze", [tensor, axes], [column], name=column)
        scaled = f"{node.name}.scaled"
        yield helper.make_node("Mul", [plain.output[0], f"{node.name}.{scale}"], [scaled], name=scaled)
        yield helper.make_node(
            "Add", [scaled, f"{node.name}.{shift}"], node.output, name=f"{node.name}.shifted"
        )

    def _array(self, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
        return numpy_helper.to_array(self._constants[name])

    def _constant(self, graph: onnx.GraphProto, name: str, value: object) -> str:
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name
