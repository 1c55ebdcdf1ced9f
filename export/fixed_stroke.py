"""Fixes the size of strokes: a control that sizes inside the graph depend on becomes a constant.

Engines cannot follow such a control, and a graph for one frame size folds everything that comes of it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ..engine.stage_spec import METADATA_KEY
from .fuse import spec_of

STROKE = "stroke"


def with_stroke(model: onnx.ModelProto, stroke: float) -> onnx.ModelProto:
    """A copy that paints with strokes of this size alone; one without the control stays as it is.

    Args:
        model: A stage, alone or fused.
        stroke: 1 is as trained.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    spec = spec_of(model)
    if STROKE not in spec.controls:
        return copy
    inputs = [value for value in copy.graph.input if value.name != STROKE]
    del copy.graph.input[:]
    copy.graph.input.extend(inputs)
    copy.graph.initializer.append(numpy_helper.from_array(np.array(stroke, np.float32), STROKE))
    controls = {name: control for name, control in spec.controls.items() if name != STROKE}
    fixed = replace(spec, controls=controls, extra={**spec.extra, STROKE: stroke})
    helper.set_model_props(
        copy,
        {entry.key: entry.value for entry in copy.metadata_props} | {METADATA_KEY: fixed.to_json()},
    )
    onnx.checker.check_model(copy)
    return copy
