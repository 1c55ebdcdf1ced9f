"""Builds the `quantize` stage: a frame in at most K colours, K chosen at run time or fixed at export.

The palette is learned from a grid of samples. It is a state tensor, so it changes smoothly between frames. The
assignment is exact for every pixel. See graphs/kmeans.py for the algorithm.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from ..engine.stage_spec import Control, StageSpec, StateTensor, state_input, state_output
from .graphs import kmeans
from .onnx_builder import GraphBuilder, Operand

BANDS = 8


def stage_spec(*, colors: int | None = None, extra: dict[str, Any] | None = None) -> StageSpec:
    """The contract of the `quantize` stage.

    States: `palette`, BGR levels, rows from K on are zero; `palette_summary`, K and the mean squared error.
    """
    controls = {"palette_rate": Control((), default=0.5, minimum=0.0, maximum=1.0)}
    if colors is None:
        limits = {"minimum": 2.0, "maximum": float(kmeans.MOST_COLORS)}
        controls["colors"] = Control((), default=16.0, **limits)
    states = {"palette": StateTensor((colors or kmeans.MOST_COLORS, 3)), "palette_summary": StateTensor((2,))}
    facts = {"algorithm": "k-means", "samples": kmeans.SAMPLES_PER_SIDE**2, "licence": "Apache-2.0"}
    return StageSpec("quantize", controls=controls, states=states, extra=facts | (extra or {}))


def onnx_from_kmeans(*, colors: int | None = None, bands: int = BANDS) -> onnx.ModelProto:
    """Builds the stage.

    Args:
        colors: Number of colours, 2 to 256; None makes it a control of the stage.
        bands: Number of parts of the frame; 1 for GPUs.

    Returns:
        The checked model, float32 inside.

    Raises:
        ValueError: `colors` outside 2..256.
    """
    most = kmeans.MOST_COLORS
    if colors is not None and not 2 <= colors <= most:
        raise ValueError(f"colors must be 2 to {most}, got {colors}")
    graph = GraphBuilder()
    count: Operand = graph.ints(colors) if colors else _whole(graph, "colors")
    pixels = kmeans.sample_grid(graph, "frame")
    sums_of = kmeans.features(graph, pixels)
    known = graph.op("Slice", state_input("palette"), graph.ints(0), count, graph.ints(0))
    tracked = kmeans.update(graph, pixels, sums_of, known)
    fresh = _fresh(graph, kmeans.error_of(graph, tracked, known), count)
    branches = {
        "then_branch": _seed_branch(pixels, sums_of, count, most=colors or most),
        "else_branch": _track_branch(tracked, known),
    }
    palette, error = graph.ops("If", fresh, outputs=2, **branches)
    _paint(graph, graph.op("Round", palette), count, colors=colors, bands=bands)
    missing = graph.op("Sub", graph.ints(colors or most), count)
    padding = graph.op("Concat", graph.ints(0, 0), missing, graph.ints(0), axis=0)
    graph.op("Pad", palette, padding, out=state_output("palette"))
    number = graph.op("Cast", count, to=TensorProto.FLOAT)
    graph.op("Concat", number, error, axis=0, out=state_output("palette_summary"))
    return graph.stage(stage_spec(colors=colors))


def _whole(graph: GraphBuilder, control: str) -> str:
    """A numeric control as int64 [1], clipped to the limits of a palette."""
    limited = graph.op("Clip", graph.op("Round", control), np.float32(2), np.float32(kmeans.MOST_COLORS))
    return graph.op("Cast", graph.op("Reshape", limited, graph.ints(1)), to=TensorProto.INT64)


def _fresh(graph: GraphBuilder, error: str, count: Operand) -> str:
    """True without a palette of this size, and at a cut unless `palette_rate` is 0: bool []."""
    number, previous = graph.ops("Split", state_input("palette_summary"), outputs=2, num_outputs=2)
    other = graph.op("Not", graph.op("Equal", number, graph.op("Cast", count, to=TensorProto.FLOAT)))
    limit = graph.op("Mul", previous, np.float32(kmeans.CUT_FACTOR))
    jump = graph.op("Greater", error, graph.op("Add", limit, np.float32(kmeans.CUT_ERROR)))
    cut = graph.op("And", jump, graph.op("Greater", "palette_rate", np.float32(0)))
    return graph.op("Squeeze", graph.op("Or", other, cut), graph.ints(0))


def _paint(graph: GraphBuilder, palette: str, count: Operand, *, colors: int | None, bands: int) -> None:
    if colors is not None:
        result = kmeans.paint(graph, "frame", palette, packed=colors <= kmeans.PACKED_SLOTS, bands=bands)
        graph.op("Identity", result, out="output")
        return
    few = graph.op("LessOrEqual", count, graph.ints(kmeans.PACKED_SLOTS))
    branches = {
        "then_branch": _paint_branch(palette, packed=True, bands=bands),
        "else_branch": _paint_branch(palette, packed=False, bands=bands),
    }
    graph.op("If", graph.op("Squeeze", few, graph.ints(0)), out="output", **branches)


def _paint_branch(palette: str, *, packed: bool, bands: int) -> onnx.GraphProto:
    name = "few" if packed else "many"
    graph = GraphBuilder(prefix=f"{name}.")
    result = kmeans.paint(graph, "frame", palette, packed=packed, bands=bands)
    output = helper.make_tensor_value_info(result, TensorProto.UINT8, ["H", "W", 3])
    return graph.graph(name, outputs=[output])


def _seed_branch(pixels: str, sums_of: str, count: Operand, *, most: int) -> onnx.GraphProto:
    graph = GraphBuilder(prefix="seed.")
    clusters = kmeans.seed(graph, pixels, sums_of, count, most=most)
    error = kmeans.error_of(graph, clusters, clusters.means)
    return graph.graph("seed", outputs=_palette_and_error(clusters.means, error))


def _track_branch(tracked: kmeans.Clusters, known: str) -> onnx.GraphProto:
    graph = GraphBuilder(prefix="track.")
    step = graph.op("Mul", graph.op("Sub", tracked.means, known), "palette_rate")
    error = kmeans.error_of(graph, tracked, tracked.means)
    return graph.graph("track", outputs=_palette_and_error(graph.op("Add", known, step), error))


def _palette_and_error(palette: str, error: str) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(palette, TensorProto.FLOAT, ["K", 3]),
        helper.make_tensor_value_info(error, TensorProto.FLOAT, [1]),
    ]
