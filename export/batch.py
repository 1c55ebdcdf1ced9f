"""Several frames in one call, for servers and throughput; not part of the stage contract.

    frames [N, H, W, 3] ─► split ─► N copies of the stage that share their weights ─► concat ─► [N, H, W, 3]

Every frame keeps its own normalisation statistics, so the results equal N single calls.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .fuse import FRAME, finished, renamed, spec_of


def batched(model: onnx.ModelProto, count: int) -> onnx.ModelProto:
    """Builds a model that takes `count` frames in one call; all frames share the controls.

    Args:
        model: A stage without states.
        count: Frames in one call, 2 or more.

    Raises:
        ValueError: The stage has states, which belong to one sequence of frames.
    """
    spec = spec_of(model)
    if spec.states:
        raise ValueError(f"stage '{spec.name}' uses the previous frame, so it takes one frame at a time")
    graph = onnx.GraphProto(name=spec.name)
    shared = {initializer.name: initializer.name for initializer in model.graph.initializer}
    graph.initializer.extend(model.graph.initializer)
    graph.initializer.append(numpy_helper.from_array(np.array([0], np.int64), "batch.axis"))
    parts = [f"batch.frame{index}" for index in range(count)]
    graph.node.append(
        helper.make_node("Split", [FRAME], parts, name="batch.split", axis=0, num_outputs=count)
    )
    for index, part in enumerate(parts):
        prefix = f"frame{index}."
        graph.node.append(
            helper.make_node("Squeeze", [part, "batch.axis"], [f"{prefix}in"], name=f"{prefix}in")
        )
        names = (
            {FRAME: f"{prefix}in", spec.output: f"{prefix}out"}
            | {name: name for name in spec.controls}
            | shared
        )
        graph.node.extend(renamed(model.graph, names, prefix=prefix))
        outputs = [f"{prefix}row"]
        graph.node.append(
            helper.make_node("Unsqueeze", [f"{prefix}out", "batch.axis"], outputs, name=outputs[0])
        )
    rows = [f"frame{index}.row" for index in range(count)]
    graph.node.append(helper.make_node("Concat", rows, [spec.output], name="batch.concat", axis=0))
    graph.input.extend(
        _with_count(value, count) if value.name == FRAME else value for value in model.graph.input
    )
    graph.output.extend(_with_count(value, count) for value in model.graph.output)
    return finished(graph, [model], replace(spec, extra={**spec.extra, "batch": count}))


def _with_count(value: onnx.ValueInfoProto, count: int) -> onnx.ValueInfoProto:
    tensor = value.type.tensor_type
    sizes = [dim.dim_param or dim.dim_value for dim in tensor.shape.dim]
    return helper.make_tensor_value_info(value.name, tensor.elem_type, [count, *sizes])
