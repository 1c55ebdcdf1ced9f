"""Lint: finds, without TensorRT, what TensorRT's ONNX parser would refuse in a graph."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from onnx import TensorProto, helper, numpy_helper

from . import tensorrt_operators as table
from .tensor_types import tensor_types


def lint(model: onnx.ModelProto) -> list[str]:
    """One line per fault; an empty list if TensorRT's parser should accept the model.

    Args:
        model: A graph in the form for TensorRT (see `tensorrt_form`).
    """
    faults = [
        f"opset {entry.version} is outside 9 to 24" if entry.domain == "" else f"domain '{entry.domain}'"
        for entry in model.opset_import
        if entry.domain or entry.version not in table.OPSETS
    ]
    edge = {value.name for value in (*model.graph.input, *model.graph.output)}
    return faults + list(_graph_faults(model.graph, tensor_types(model), edge, _constants(model.graph)))


def _graph_faults(
    graph: onnx.GraphProto, types: dict[str, int], edge: set[str], constants: dict[str, TensorProto]
) -> Iterator[str]:
    constants = constants | _constants(graph)
    for node in graph.node:
        where = f"{node.op_type} '{node.name}'"
        if node.op_type not in table.SUPPORTED:
            yield f"{where}: the operator is not supported"
            continue
        yield from (f"{where}: {fault}" for fault in _type_faults(node, types, edge))
        yield from (f"{where}: {fault}" for fault in _restrictions(node, constants))
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from _graph_faults(attribute.g, types, edge, constants)


def _type_faults(node: onnx.NodeProto, types: dict[str, int], edge: set[str]) -> Iterator[str]:
    for name in (*node.input, *node.output):
        kind = types.get(name)
        if not name or kind is None:
            continue
        text = TensorProto.DataType.Name(kind)
        if kind == TensorProto.UINT8 and (node.op_type != "Cast" or name not in edge):
            yield f"'{name}' is UINT8, which is only allowed for network inputs and outputs with a Cast"
        elif text not in table.SUPPORTED[node.op_type] and text not in ("INT64", "UINT8", "BOOL"):
            yield f"'{name}' is {text}"
        elif (
            text in ("INT64", "BOOL") and name == node.input[0] and text not in table.SUPPORTED[node.op_type]
        ):
            yield f"its data '{name}' is {text}"


def _restrictions(node: onnx.NodeProto, constants: dict[str, TensorProto]) -> Iterator[str]:
    values = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    if node.op_type == "Resize":
        yield from _resize_faults(values)
    if node.op_type.startswith("Reduce") and len(node.input) > 1 and node.input[1] not in constants:
        yield "its axes must be an initializer"
    if node.op_type == "TopK":
        count = constants.get(node.input[1])
        if count is not None and int(numpy_helper.to_array(count).max()) > table.LARGEST_TOPK:
            yield f"more than {table.LARGEST_TOPK} elements"
    if node.op_type == "OneHot" and node.input[1] not in constants:
        yield "its depth must be a constant"
    if node.op_type in ("QuantizeLinear", "DequantizeLinear") and len(node.input) > 2:
        zero = constants.get(node.input[2])
        if zero is None or numpy_helper.to_array(zero).any():
            yield "its zero point must be 0"
    if node.op_type == "InstanceNormalization" and any(name not in constants for name in node.input[1:]):
        yield "scale and bias must be initializers for TensorRT before 10.15"
    if node.op_type == "Pad" and values.get("mode", b"constant") == b"wrap":
        yield "mode wrap"


def _resize_faults(values: dict[str, object]) -> Iterator[str]:
    mode = _text(values.get("mode", b"nearest"))
    coordinates = _text(values.get("coordinate_transformation_mode", b"half_pixel"))
    if mode not in table.RESIZE_MODES:
        yield f"mode {mode}"
    if coordinates not in table.RESIZE_COORDINATES:
        yield f"coordinates {coordinates}"
    if values.get("antialias"):
        yield "antialiasing"


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _constants(graph: onnx.GraphProto) -> dict[str, TensorProto]:
    found = {initializer.name: initializer for initializer in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].type == onnx.AttributeProto.TENSOR:
            found[node.output[0]] = node.attribute[0].t
    return found
