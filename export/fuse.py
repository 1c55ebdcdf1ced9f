"""Fuses a chain of stages into one graph with identical results.

Frames between two stages are rounded to bytes, as between two models; a mask is connected to the control of its name;
states and other controls become inputs of the fused graph. Then constants are folded, and also shapes if the frame's
size is fixed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import onnx
from onnx import helper

from ..engine.errors import ContractError
from ..engine.stage_spec import METADATA_KEY, StageSpec, state_input, state_output
from .onnx_builder import IR_VERSION

FRAME = "frame"


def spec_of(model: onnx.ModelProto) -> StageSpec:
    """Reads the stage contract from a model's metadata.

    Raises:
        ContractError: There is none.
    """
    for entry in model.metadata_props:
        if entry.key == METADATA_KEY:
            return StageSpec.from_json(entry.value)
    raise ContractError(f"the model has no '{METADATA_KEY}' metadata")


def fuse(models: Sequence[onnx.ModelProto], *, name: str | None = None) -> onnx.ModelProto:
    """Fuses stages into one.

    Args:
        models: Stages in running order; every stage except `saliency` outputs a frame.
        name: Name of the new stage; by default their names joined by "+".

    Returns:
        A stage with the controls and states of all stages.

    Raises:
        ContractError: Two stages share a name or a state, or the last stage does not output a frame.
    """
    specs = [spec_of(model) for model in models]
    whole = _joined(specs, name=name or "+".join(spec.name for spec in specs))
    graph = onnx.GraphProto(name=whole.name)
    made: dict[str, str] = {}
    frame = FRAME
    inputs: dict[str, onnx.ValueInfoProto] = {}
    outputs: dict[str, onnx.ValueInfoProto] = {}
    for model, spec in zip(models, specs, strict=True):
        names = {FRAME: frame} | {control: made.get(control, control) for control in spec.controls}
        names |= {state_input(state): state_input(state) for state in spec.states}
        names |= {state_output(state): state_output(state) for state in spec.states}
        for value in model.graph.input:
            inputs.setdefault(value.name, value)
        outputs |= {value.name: value for value in model.graph.output if value.name != spec.output}
        result = whole.output if spec is specs[-1] else f"{spec.name}.{spec.output}"
        names[spec.output] = result
        prefix = f"{spec.name}."
        graph.node.extend(renamed(model.graph, names, prefix=prefix))
        for initializer in model.graph.initializer:
            copy = graph.initializer.add()
            copy.CopyFrom(initializer)
            copy.name = _name(initializer.name, names, prefix)
        if _is_frame(model, spec):
            frame = result
        else:
            made[spec.output] = result
    last = next(value for value in models[-1].graph.output if value.name == specs[-1].output)
    wanted = [FRAME, *whole.controls, *map(state_input, whole.states)]
    graph.input.extend(inputs[wanted_name] for wanted_name in wanted)
    graph.output.extend([last, *(outputs[state_output(state)] for state in whole.states)])
    return finished(graph, models, whole)


def _joined(specs: Sequence[StageSpec], *, name: str) -> StageSpec:
    names = [spec.name for spec in specs]
    states = [state for spec in specs for state in spec.states]
    if len(set(names)) < len(names) or len(set(states)) < len(states):
        raise ContractError(f"cannot fuse stages {names} with states {states}: names must differ")
    made = {spec.output for spec in specs[:-1]}
    controls = {key: value for spec in specs for key, value in spec.controls.items() if key not in made}
    extra = {key: value for spec in specs for key, value in spec.extra.items()}
    extra["fused"] = names
    tensors = {key: value for spec in specs for key, value in spec.states.items()}
    return StageSpec(name, specs[-1].output, controls=controls, states=tensors, extra=extra)


def _is_frame(model: onnx.ModelProto, spec: StageSpec) -> bool:
    output = next(value for value in model.graph.output if value.name == spec.output)
    return bool(output.type.tensor_type.elem_type == onnx.TensorProto.UINT8)


def renamed(graph: onnx.GraphProto, names: Mapping[str, str], *, prefix: str) -> list[onnx.NodeProto]:
    """Copies a graph's nodes; maps or prefixes all names.

    Args:
        graph: The graph; its branches are renamed too.
        names: New names of tensors; all others get the prefix.
        prefix: Prefix for names of nodes, and of tensors that are not mapped.
    """
    nodes = []
    for node in graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.name = prefix + node.name
        copy.input[:] = [_name(name, names, prefix) for name in node.input]
        copy.output[:] = [_name(name, names, prefix) for name in node.output]
        for attribute in copy.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _rename_branch(attribute.g, names, prefix)
        nodes.append(copy)
    return nodes


def _rename_branch(graph: onnx.GraphProto, names: Mapping[str, str], prefix: str) -> None:
    nodes = renamed(graph, names, prefix=prefix)
    for initializer in graph.initializer:
        initializer.name = _name(initializer.name, names, prefix)
    del graph.node[:]
    graph.node.extend(nodes)
    for value in (*graph.input, *graph.output, *graph.value_info):
        value.name = _name(value.name, names, prefix)


def _name(name: str, names: Mapping[str, str], prefix: str) -> str:
    return names.get(name, prefix + name) if name else ""


def finished(graph: onnx.GraphProto, models: Sequence[onnx.ModelProto], spec: StageSpec) -> onnx.ModelProto:
    """Wraps a graph that was assembled from models into a checked model with its contract."""
    opset = max(entry.version for model in models for entry in model.opset_import if entry.domain == "")
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=IR_VERSION, producer_name="artrt"
    )
    helper.set_model_props(model, {METADATA_KEY: spec.to_json()})
    onnx.checker.check_model(model)
    return model
