"""Fixes the stroke size: turns the control, which sets sizes inside the graph, into a constant.

Engines do not support such a control, and a graph for one frame size can fold everything that depends on it.
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
    """A copy of the model with this stroke size as a constant; a model without the control stays unchanged.

    Args:
        model: A stage, alone or fused.
        stroke: Size of the strokes; 1 is the trained size.
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
