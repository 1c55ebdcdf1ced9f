"""Writes a model repository for NVIDIA's Triton Inference Server from an exported folder.

    REPO/artrt_stylize/config.pbtxt      inputs, outputs and states, from the stage contract
    REPO/artrt_stylize/labels.txt        names of the styles; their vectors lie in styles/
    REPO/artrt_stylize/1/model.onnx      or model.plan

Scalars become one-element vectors in the copied model, because Triton does not support tensors without dimensions.
States become Triton's implicit states, zero for the first frame of a sequence: one sequence is one video.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import onnx

from ..engine.errors import OutputError
from ..engine.sessions.plan import read_sidecar
from ..engine.stage_spec import METADATA_KEY, Dimension, StageSpec, state_input, state_output
from ..engine.zoo.artefact import Artefact
from .fuse import spec_of
from .vector_inputs import with_vector_inputs

PLATFORMS = {".onnx": "onnxruntime_onnx", ".plan": "tensorrt_plan"}


def write_repository(folder: Path, repository: Path) -> list[Path]:
    """Writes one Triton model per stage.

    Args:
        folder: A folder of `artrt export`; it is verified.
        repository: The model repository; its other models stay unchanged.

    Returns:
        Folders of the models.

    Raises:
        IntegrityError: The artefact was changed.
        OutputError: The repository cannot be written.
    """
    artefact = Artefact.open(folder)
    return [_write_model(artefact, path, repository) for path in artefact.stage_paths]


def config_text(
    spec: StageSpec,
    *,
    name: str,
    platform: str,
    styles: Iterable[str],
    mask: bool = False,
    size: tuple[int, int] | None = None,
) -> str:
    """The `config.pbtxt` of a stage.

    Args:
        spec: The stage contract.
        name: Name of the Triton model.
        platform: "onnxruntime_onnx" or "tensorrt_plan".
        styles: Names of the styles, for the parameters.
        mask: Whether the output is a mask.
        size: (height, width) in pixels if the model has a fixed size, because Triton needs it here.
    """
    batch: tuple[Dimension, ...] = (spec.extra["batch"],) if "batch" in spec.extra else ()
    frame = (*batch, *(size or ("H", "W")), 3)
    inputs = [_tensor("frame", "TYPE_UINT8", frame)]
    inputs += [_tensor(control, "TYPE_FP32", value.shape or (1,)) for control, value in spec.controls.items()]
    result = ("TYPE_FP32", ("h", "w")) if mask else ("TYPE_UINT8", frame)
    outputs = [_tensor(spec.output, *result)]
    lines = [
        f'name: "{name}"',
        f'platform: "{platform}"',
        "max_batch_size: 0",
        *(f"input {tensor}" for tensor in inputs),
        *(f"output {tensor}" for tensor in outputs),
        *_states(spec),
        *(_parameter(key, value) for key, value in _facts(spec, styles).items()),
    ]
    return "\n".join(lines) + "\n"


def _write_model(artefact: Artefact, path: Path, repository: Path) -> Path:
    spec = _spec(path)
    name = "artrt_" + spec.name.replace("+", "_")
    text = config_text(
        spec,
        name=name,
        platform=PLATFORMS[path.suffix],
        styles=artefact.styles,
        mask=spec.name == "saliency",
        size=artefact.size,
    )
    target = repository / name
    try:
        repository.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}.", dir=repository) as scratch:
            _fill(Path(scratch) / name, artefact, path, text)
            if target.exists():
                target.replace(Path(scratch) / "before")
            (Path(scratch) / name).replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    return target


def _fill(folder: Path, artefact: Artefact, path: Path, config: str) -> None:
    (folder / "1").mkdir(parents=True)
    if path.suffix == ".plan":
        shutil.copyfile(path, folder / "1" / "model.plan")
    else:
        (folder / "1" / "model.onnx").write_bytes(
            with_vector_inputs(onnx.load(str(path))).SerializeToString()
        )
    (folder / "labels.txt").write_text("".join(f"{style}\n" for style in artefact.styles), encoding="utf-8")
    if (artefact.folder / "styles").is_dir():
        shutil.copytree(artefact.folder / "styles", folder / "styles")
    (folder / "config.pbtxt").write_text(config, encoding="utf-8")


def _spec(path: Path) -> StageSpec:
    if path.suffix == ".plan":
        return StageSpec.from_json(read_sidecar(path).metadata[METADATA_KEY])
    return spec_of(onnx.load(str(path)))


def _tensor(name: str, kind: str, shape: tuple[Dimension, ...]) -> str:
    return f'{{ name: "{name}" data_type: {kind} dims: [ {_sizes(shape)} ] }}'


def _states(spec: StageSpec) -> list[str]:
    if not spec.states:
        return []
    states = []
    for name, state in spec.states.items():
        tensor = f"data_type: TYPE_FP32 dims: [ {_sizes(state.shape)} ]"
        ends = f'input_name: "{state_input(name)}" output_name: "{state_output(name)}"'
        # Without it, a sequence would start from uninitialised memory.
        zeros = f'initial_state {{ name: "{name}" {tensor} zero_data: true }}'
        states.append(f"  state {{ {ends} {tensor} {zeros} }}")
    return ["sequence_batching {", "  max_sequence_idle_microseconds: 5000000", *states, "}"]


def _sizes(shape: tuple[Dimension, ...]) -> str:
    return ", ".join(str(size) if isinstance(size, int) else "-1" for size in shape)


def _facts(spec: StageSpec, styles: Iterable[str]) -> Mapping[str, Any]:
    return {"styles": ",".join(styles), METADATA_KEY: spec.to_json()}


def _parameter(key: str, value: str) -> str:
    return f"parameters {{ key: {json.dumps(key)} value {{ string_value: {json.dumps(value)} }} }}"
