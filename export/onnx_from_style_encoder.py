"""Exports a style encoder to ONNX: picture of a painting, uint8 [H, W, 3], in; style vector, float32 [D], out.

The picture is used at its given size, which sets the size of the strokes (`engine.zoo.picture_style` reduces it as in
training).
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from torch import nn

from ..engine.zoo.picture_style import METADATA_KEY, PAINTING, VECTOR
from ..models.networks.style_encoder import EPSILON, StyleEncoder
from .graphs.module_writer import ModuleWriter, array, normalised
from .onnx_builder import OPSET, GraphBuilder, finish


def onnx_from_style_encoder(
    encoder: StyleEncoder,
    *,
    trunk: str,
    long_side_px: int,
    opset: int = OPSET,
    half_weights: bool = True,
    extra: dict[str, Any] | None = None,
) -> onnx.ModelProto:
    """Builds the model.

    Args:
        encoder: A trained encoder.
        trunk: sha256 of the trunk that the vectors are for.
        long_side_px: Long side of paintings in pixels, as in training.
        opset: ONNX operator set, 18 or newer.
        half_weights: Store weights as float16.
        extra: Facts to add to the metadata.

    Returns:
        The checked model, float32 inside.
    """
    writer = ModuleWriter(half_weights=half_weights)
    graph = writer.graph
    picture = graph.op("Unsqueeze", graph.op("Cast", PAINTING, to=TensorProto.FLOAT), graph.ints(0))
    image = normalised(graph, graph.op("Transpose", picture, perm=[0, 3, 1, 2]))
    parts = [part for level in writer.levels(encoder.features, image) for part in _moments(graph, level)]
    known = graph.op("Concat", *parts, axis=1)
    known = graph.op("Div", graph.op("Sub", known, array(encoder.center)[None]), array(encoder.spread)[None])
    hidden = graph.op("Relu", _linear(writer, known, encoder.hidden))
    graph.op("Squeeze", _linear(writer, hidden, encoder.out), graph.ints(0), out=VECTOR)
    facts = {"trunk": trunk, "long_side_px": long_side_px, "licence": "Apache-2.0"} | (extra or {})
    inputs = [helper.make_tensor_value_info(PAINTING, TensorProto.UINT8, ["H", "W", 3])]
    outputs = [helper.make_tensor_value_info(VECTOR, TensorProto.FLOAT, [encoder.out.out_features])]
    return finish(graph.graph("style", inputs, outputs), {METADATA_KEY: json.dumps(facts)}, opset=opset)


def _moments(graph: GraphBuilder, features: str) -> list[str]:
    """Mean and standard deviation of every channel, [1, C] each."""
    axes = graph.ints(2, 3)
    mean = graph.op("ReduceMean", features, axes, keepdims=1)
    centred = graph.op("Sub", features, mean)
    variance = graph.op("ReduceMean", graph.op("Mul", centred, centred), axes, keepdims=0)
    deviation = graph.op("Sqrt", graph.op("Add", variance, np.float32(EPSILON)))
    return [graph.op("Squeeze", mean, axes), deviation]


def _linear(writer: ModuleWriter, x: str, layer: nn.Linear) -> str:
    weight = writer.stored(np.ascontiguousarray(array(layer.weight).T))
    return writer.graph.op("Gemm", x, weight, array(layer.bias))
