"""Element types and shapes of all tensors of a model, including branches."""

from __future__ import annotations

import onnx


def tensor_types(model: onnx.ModelProto) -> dict[str, int]:
    """Tensor name -> element type (onnx.TensorProto.DataType), by ONNX's shape inference."""
    return {name: info[0] for name, info in tensor_infos(model).items()}


def tensor_infos(model: onnx.ModelProto) -> dict[str, tuple[int, tuple[int | None, ...]]]:
    """Tensor name -> element type and shape; None for a free dimension; () also if the rank is unknown."""
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    infos: dict[str, tuple[int, tuple[int | None, ...]]] = {}
    _collect(inferred.graph, infos)
    return infos


def _collect(graph: onnx.GraphProto, infos: dict[str, tuple[int, tuple[int | None, ...]]]) -> None:
    for value in (*graph.input, *graph.output, *graph.value_info):
        tensor = value.type.tensor_type
        shape = tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim)
        infos[value.name] = (tensor.elem_type, shape)
    for initializer in graph.initializer:
        infos[initializer.name] = (initializer.data_type, tuple(initializer.dims))
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _collect(attribute.g, infos)
