"""Builds the `superpixels` stage: a frame in about N regions of one colour each, N chosen at run time.

The centres are a state tensor, so regions follow the picture from frame to frame. The graph also outputs `labels`,
int32 [H, W], the region number of each pixel. See graphs/slic.py for the algorithm.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from ..engine.stage_spec import Control, StageSpec, StateTensor, state_input, state_output
from .graphs import motion
from .graphs.cells import Cells, Grid, choose
from .graphs.slic import (
    CENTER,
    CUT_ERROR,
    CUT_FACTOR,
    ITERATIONS,
    MOST_CENTERS,
    Assignment,
    Slic,
    carry,
    features,
    outline,
    smooth,
)
from .onnx_builder import GraphBuilder, Operand

LABELS = "labels"
MOST_REGIONS = 8000


def stage_spec(*, regions: int | None = None, extra: dict[str, Any] | None = None) -> StageSpec:
    """The contract of the `superpixels` stage.

    States: `centers`, (L, a, b, y, x) with places from each cell's middle; `centers_summary`, rows,
    columns, error and phase; `centers_view`, the previous frame in the form that motion.py needs.
    """
    controls = {
        "compactness": Control((), default=10.0, minimum=0.0, maximum=1000.0),
        "outline": Control((), default=0.0, minimum=0.0, maximum=1.0),
        "centers_rate": Control((), default=1.0, minimum=0.0, maximum=1.0),
    }
    if regions is None:
        controls["regions"] = Control((), default=800.0, minimum=1.0, maximum=float(MOST_REGIONS))
    states = {
        "centers": StateTensor((MOST_CENTERS, CENTER)),
        "centers_summary": StateTensor((5,)),
        "centers_view": StateTensor((motion.ROWS, motion.COLUMNS)),
    }
    facts = {"algorithm": "SLIC", "iterations": ITERATIONS, "labels": LABELS, "licence": "Apache-2.0"}
    return StageSpec("superpixels", controls=controls, states=states, extra=facts | (extra or {}))


def onnx_from_slic(*, regions: int | None = None) -> onnx.ModelProto:
    """Builds the stage.

    Args:
        regions: Requested number of regions; None makes it a control of the stage.

    Returns:
        The checked model, float32 inside.

    Raises:
        ValueError: `regions` outside 1..8000.
    """
    if regions is not None and not 1 <= regions <= MOST_REGIONS:
        raise ValueError(f"regions must be 1 to {MOST_REGIONS}, got {regions}")
    graph = GraphBuilder()
    grid = choose(graph, "frame", _number(graph, regions), most=MOST_CENTERS)
    cells = Cells(graph, grid)
    planes = smooth(graph, "frame")
    tensor, squares = features(graph, cells, "frame", planes)
    slic = Slic(graph, cells, tensor, "compactness")
    known, phase = _carried(graph, cells, planes)
    tracked = slic.assign(graph, known)
    error = slic.error(graph, tracked, known, squares)
    fresh = _fresh(graph, grid, error)
    branches = {
        "then_branch": _seed_branch(slic, squares),
        "else_branch": _track_branch(slic, tracked, known, error, phase),
    }
    painted, centers, error, phase = graph.ops("If", fresh, outputs=4, **branches)
    _output(graph, cells, painted)
    missing = graph.op("Sub", graph.ints(MOST_CENTERS), cells.number)
    pads = graph.op("Concat", graph.ints(0, 0), missing, graph.ints(0), axis=0)
    graph.op("Pad", centers, pads, out=state_output("centers"))
    counts = graph.op("Cast", graph.op("Concat", grid.rows, grid.columns, axis=0), to=TensorProto.FLOAT)
    graph.op("Concat", counts, error, phase, axis=0, out=state_output("centers_summary"))
    model = graph.stage(stage_spec(regions=regions))
    model.graph.output.append(helper.make_tensor_value_info(LABELS, TensorProto.INT32, ["H", "W"]))
    return model


def _number(graph: GraphBuilder, regions: int | None) -> Operand:
    """The requested number of regions, float32 [1]."""
    if regions is not None:
        return np.array([regions], np.float32)
    limited = graph.op("Clip", graph.op("Round", "regions"), np.float32(1), np.float32(MOST_REGIONS))
    return graph.op("Reshape", limited, graph.ints(1))


def _carried(graph: GraphBuilder, cells: Cells, planes: str) -> tuple[str, str]:
    """The previous frame's centres, moved with the picture, and their phase."""
    now = motion.view(graph, planes)
    graph.op("Identity", now, out=state_output("centers_view"))
    boxes = motion.shift(graph, state_input("centers_view"), now)
    scale = motion.pixels_per_box(graph, cells.grid.frame_height, cells.grid.frame_width)
    known = graph.op("Slice", state_input("centers"), graph.ints(0), cells.number, graph.ints(0))
    phase = graph.op("Slice", state_input("centers_summary"), graph.ints(3), graph.ints(5), graph.ints(0))
    return carry(graph, cells, known, phase, graph.op("Mul", boxes, scale))


def _seed_branch(slic: Slic, squares: str) -> onnx.GraphProto:
    graph = GraphBuilder(prefix="seed.")
    centers = slic.seeds(graph)
    for _ in range(ITERATIONS):
        centers = slic.update(graph, slic.assign(graph, centers), centers)
    final = slic.assign(graph, centers)
    error = slic.error(graph, final, centers, squares)
    phase = graph.op("Identity", np.zeros(2, np.float32))
    return _branch(graph, "seed", [slic.paint(graph, final), centers, error, phase])


def _track_branch(slic: Slic, tracked: Assignment, known: str, error: str, phase: str) -> onnx.GraphProto:
    graph = GraphBuilder(prefix="track.")
    step = graph.op("Mul", graph.op("Sub", slic.update(graph, tracked, known), known), "centers_rate")
    same = [graph.op("Identity", value) for value in (error, phase)]
    return _branch(graph, "track", [slic.paint(graph, tracked), graph.op("Add", known, step), *same])


def _fresh(graph: GraphBuilder, grid: Grid, error: str) -> str:
    """True without centres for this grid, and at a cut: bool []."""
    summary = state_input("centers_summary")
    counts, previous, _ = graph.ops("Split", summary, graph.ints(2, 1, 2), outputs=3, axis=0)
    expected = graph.op("Cast", graph.op("Concat", grid.rows, grid.columns, axis=0), to=TensorProto.FLOAT)
    distance = graph.op("ReduceSum", graph.op("Abs", graph.op("Sub", counts, expected)), keepdims=1)
    limit = graph.op("Add", graph.op("Mul", previous, np.float32(CUT_FACTOR)), np.float32(CUT_ERROR))
    cut = graph.op(
        "And", graph.op("Greater", error, limit), graph.op("Greater", "centers_rate", np.float32(0))
    )
    fresh = graph.op("Or", graph.op("Greater", distance, np.float32(0)), cut)
    return graph.op("Squeeze", fresh, graph.ints(0))


def _branch(graph: GraphBuilder, name: str, results: list[str]) -> onnx.GraphProto:
    shapes: list[list[str | int]] = [["cells", 4, "pixels"], ["cells", CENTER], [1], [2]]
    outputs = [
        helper.make_tensor_value_info(result, TensorProto.FLOAT, shape)
        for result, shape in zip(results, shapes, strict=True)
    ]
    return graph.graph(name, outputs=outputs)


def _output(graph: GraphBuilder, cells: Cells, painted: str) -> None:
    colors, regions = graph.ops("Split", painted, graph.ints(3, 1), outputs=2, axis=1)
    levels = graph.op("Transpose", graph.op("Cast", colors, to=TensorProto.UINT8), perm=[0, 2, 1])
    picture = cells.unfold(graph, levels, channels=3)
    numbers = graph.op("Cast", graph.op("Squeeze", regions, graph.ints(1)), to=TensorProto.INT32)
    labels = cells.unfold(graph, numbers, channels=0, out=LABELS)
    lines = GraphBuilder(prefix="outline.")
    drawn = lines.graph("outline", outputs=[_frame(outline(lines, picture, labels, "outline"))])
    plain = GraphBuilder(prefix="plain.")
    same = plain.graph("plain", outputs=[_frame(plain.op("Identity", picture))])
    wanted = graph.op("Greater", "outline", np.float32(0))
    graph.op("If", wanted, out="output", then_branch=drawn, else_branch=same)


def _frame(name: str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.UINT8, ["H", "W", 3])
