"""Builds ONNX graphs node by node: a thin layer over onnx.helper that names tensors and collects constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, NDArray
from onnx import helper, numpy_helper

from ..engine.stage_spec import METADATA_KEY, StageSpec, state_input, state_output

OPSET = 19
IR_VERSION = 10

Operand = str | NDArray[Any] | np.generic


class GraphBuilder:
    """A graph under construction. Tensors are strings; arrays given as operands become initializers.

    Example:
        >>> graph = GraphBuilder()
        >>> graph.op("Mul", "x", np.float32(2), out="y")
        'y'
    """

    def __init__(self, *, prefix: str = "") -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}
        self._prefix = prefix
        self._count = 0
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def op(self, kind: str, *operands: Operand, out: str | None = None, **attributes: Any) -> str:
        """Adds a node with one output and returns that output's name."""
        return self.ops(kind, *operands, outputs=[out] if out else 1, **attributes)[0]

    def ops(
        self, kind: str, *operands: Operand, outputs: Sequence[str] | int, **attributes: Any
    ) -> list[str]:
        """Adds a node with several outputs; `outputs` gives their names or their number."""
        name = self._name(kind)
        count = outputs if isinstance(outputs, int) else len(outputs)
        plain = [name] if count == 1 else [f"{name}_{i}" for i in range(count)]
        names = plain if isinstance(outputs, int) else list(outputs)
        inputs = [self._operand(operand) for operand in operands]
        self.nodes.append(helper.make_node(kind, inputs, names, name=name, **attributes))
        return names

    def ints(self, *values: int) -> NDArray[np.int64]:
        """An int64 vector, for shapes and axes."""
        return np.array(values, np.int64)

    def weight(self, values: ArrayLike, name: str) -> str:
        """Adds a float32 initializer under its own name."""
        array = np.ascontiguousarray(np.asarray(values, np.float32))
        self.initializers[name] = numpy_helper.from_array(array, self._prefix + name)
        return self._prefix + name

    def graph(
        self,
        name: str,
        inputs: Sequence[onnx.ValueInfoProto] = (),
        outputs: Sequence[onnx.ValueInfoProto] = (),
    ) -> onnx.GraphProto:
        """Builds the graph (also for the branches of an If)."""
        return helper.make_graph(
            self.nodes, name, list(inputs), list(outputs), list(self.initializers.values())
        )

    def stage(self, spec: StageSpec, *, opset: int = OPSET, mask_output: bool = False) -> onnx.ModelProto:
        """Builds the stage: inputs, outputs and metadata follow from its spec.

        Args:
            spec: The contract; the graph must contain every tensor that it names.
            opset: Version of ONNX's operator set.
            mask_output: Whether the output is a mask, float32 [h, w], instead of a frame.

        Returns:
            A model that onnx.checker accepts.
        """
        inputs = [helper.make_tensor_value_info("frame", onnx.TensorProto.UINT8, ["H", "W", 3])]
        inputs += [
            _float_value(control_name, control.shape) for control_name, control in spec.controls.items()
        ]
        inputs += [_float_value(state_input(state), tensor.shape) for state, tensor in spec.states.items()]
        kind = onnx.TensorProto.FLOAT if mask_output else onnx.TensorProto.UINT8
        shape: list[int | str] = ["h", "w"] if mask_output else ["H", "W", 3]
        outputs = [helper.make_tensor_value_info(spec.output, kind, shape)]
        outputs += [_float_value(state_output(state), tensor.shape) for state, tensor in spec.states.items()]
        return finish(self.graph(spec.name, inputs, outputs), {METADATA_KEY: spec.to_json()}, opset=opset)

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{self._prefix}{kind}_{self._count}"

    def _operand(self, operand: Operand) -> str:
        if isinstance(operand, str):
            return operand
        array = np.asarray(operand)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = f"{self._prefix}constant_{len(self._constants)}"
            self._constants[key] = name
            self.initializers[name] = numpy_helper.from_array(array, name)
        return self._constants[key]


def finish(graph: onnx.GraphProto, metadata: Mapping[str, str], *, opset: int = OPSET) -> onnx.ModelProto:
    """Wraps a graph into a checked model with metadata."""
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="artrt")
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    return model


def _float_value(name: str, shape: Sequence[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, list(shape))
