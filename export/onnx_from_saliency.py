"""Builds the `saliency` stage from a saliency network: uint8 frame of any size in, soft mask float32 [h, w] out.

1. The frame is resized to the network's grid, for large frames in two steps: first to twice the grid's size, then by
   averaging four pixels, because a single interpolation would skip most pixels. The grid is for example 96x160 for wide
   frames, 160x96 for tall ones and 128x128 for nearly square ones, so that proportions are nearly kept with few shapes.
2. BGR bytes become normalised RGB; the change of order is in the first convolution's weights.
3. Batch normalisations are folded into the convolutions before them.
4. The coarse activation-map head widens the mask by the control `attention`: 1 by default, for `keep_salient`; 0 for
   the salient region only.
5. Weights are stored as float16 and converted to float32 once at load: half the file size, same arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from ..engine.files import write_bytes
from ..engine.stage_spec import Control, StageSpec
from ..models.networks.saliency import ATTENTION_GAIN, SIZE_MULTIPLE, SaliencyConfig, SaliencyNetwork
from .graphs.module_writer import ModuleWriter, normalised
from .onnx_builder import OPSET, GraphBuilder


def onnx_from_saliency(
    network: SaliencyNetwork,
    *,
    opset: int = OPSET,
    half_weights: bool = True,
    extra: dict[str, Any] | None = None,
) -> onnx.ModelProto:
    """Builds the stage.

    Args:
        network: A trained saliency network.
        opset: ONNX operator set, 18 or newer.
        half_weights: Store weights as float16.
        extra: Facts to add to the metadata (training, scores).

    Returns:
        The checked model, float32 inside.
    """
    writer = ModuleWriter(half_weights=half_weights)
    graph = writer.graph
    levels = writer.levels(network.encoder, _seen(graph, network.config))
    x = writer.conv(levels.pop(), network.entry)
    mean = graph.op("GlobalAveragePool", x)
    x = graph.op("Relu", graph.op("Add", x, writer.conv(mean, network.context)))
    x = coarse = writer.block(x, network.blocks[0])
    for lateral, block in zip(network.laterals, list(network.blocks)[1:], strict=True):
        side = writer.conv(levels.pop(), lateral)
        x = writer.block(graph.op("Add", _double(graph, x, "nearest"), side), block)
    mask = _double(graph, graph.op("Sigmoid", writer.conv(x, network.mask_head)), "linear")
    mask = graph.op("Max", mask, _attended(graph, writer.conv(coarse, network.cam_head)))
    graph.op("Squeeze", mask, graph.ints(0, 1), out="mask")
    return graph.stage(stage_spec(network, extra=extra), opset=opset, mask_output=True)


def stage_spec(network: SaliencyNetwork, *, extra: dict[str, Any] | None = None) -> StageSpec:
    """The contract of the `saliency` stage."""
    facts = {"model": network.config.name, "licence": "Apache-2.0", "grid": list(network.config.landscape_px)}
    controls = {"attention": Control((), default=1.0, minimum=0.0, maximum=1.0)}
    return StageSpec("saliency", output="mask", controls=controls, extra=facts | (extra or {}))


def save_saliency_stage(path: Path, network: SaliencyNetwork, *, scores: Mapping[str, float]) -> Path:
    """Writes the stage atomically, with its held-out scores in the metadata; returns its path.

    Raises:
        OutputError: The file cannot be written.
    """
    rounded = {name: round(value, 4) for name, value in scores.items()}
    model = onnx_from_saliency(network, extra={"held_out": rounded})
    write_bytes(path, model.SerializeToString())
    return path


def _seen(graph: GraphBuilder, config: SaliencyConfig) -> str:
    """uint8 [H, W, 3] BGR -> normalised float [1, 3, h, w] BGR on the grid for the frame's proportions."""
    size = graph.op("Shape", "frame")
    height, width = graph.op("Gather", size, np.int64(0)), graph.op("Gather", size, np.int64(1))
    four, five = np.int64(4), np.int64(5)
    wide = graph.op("Greater", graph.op("Mul", width, four), graph.op("Mul", height, five))
    tall = graph.op("Greater", graph.op("Mul", height, four), graph.op("Mul", width, five))
    landscape, portrait, square = (
        graph.ints(1, 3, rows, columns)
        for rows, columns in (config.landscape_px, config.landscape_px[::-1], config.square_px)
    )
    target = graph.op("Where", wide, landscape, graph.op("Where", tall, portrait, square))
    few = graph.op(
        "Min", _dimensions(graph, 1, 3, height, width), graph.op("Mul", target, graph.ints(1, 1, 2, 2))
    )
    seen = graph.op("Resize", _planes(graph, height, width, few), "", "", few, mode="linear")
    return normalised(graph, graph.op("Resize", seen, "", "", target, mode="linear"))


def _planes(graph: GraphBuilder, height: str, width: str, few: str) -> str:
    """uint8 [H, W, 3] -> float [1, 3, rows, W] with the rows of the shape `few`, interpolated.

    Channels that lie last make garbage in ONNX Runtime's Resize on CUDA, without an error, and turning a whole large
    frame into planes takes longer than the network: so the rows are reduced first, as lines of 3 W numbers.
    """
    rows = graph.op("Gather", few, np.int64(2))
    numbers = graph.op("Mul", width, np.int64(3))
    lines = graph.op("Cast", "frame", to=TensorProto.FLOAT)
    lines = graph.op("Reshape", lines, _dimensions(graph, 1, 1, height, numbers))
    lines = graph.op("Resize", lines, "", "", _dimensions(graph, 1, 1, rows, numbers), mode="linear")
    lines = graph.op("Reshape", lines, _dimensions(graph, 1, rows, width, 3))
    return graph.op("Transpose", lines, perm=[0, 3, 1, 2])


def _dimensions(graph: GraphBuilder, *lengths: int | str) -> str:
    """A shape of numbers and of scalars of the graph."""
    parts = [
        graph.ints(length) if isinstance(length, int) else graph.op("Unsqueeze", length, graph.ints(0))
        for length in lengths
    ]
    return graph.op("Concat", *parts, axis=0)


def _attended(graph: GraphBuilder, logits: str) -> str:
    """Logits of the activation map [1, 1, h/16, w/16] -> its contribution to the mask, [1, 1, h, w]."""
    seen = graph.op("Mul", graph.op("Sigmoid", logits), np.float32(ATTENTION_GAIN))
    seen = graph.op("Mul", graph.op("Min", seen, np.float32(1)), "attention")
    return _enlarged(graph, seen, "linear", SIZE_MULTIPLE)


def _double(graph: GraphBuilder, x: str, mode: str) -> str:
    return _enlarged(graph, x, mode, 2)


def _enlarged(graph: GraphBuilder, x: str, mode: str, times: int) -> str:
    how = {"nearest": ("asymmetric", "floor"), "linear": ("half_pixel", "round_prefer_floor")}[mode]
    scales = np.array([1, 1, times, times], np.float32)
    return graph.op(
        "Resize", x, "", scales, mode=mode, coordinate_transformation_mode=how[0], nearest_mode=how[1]
    )
