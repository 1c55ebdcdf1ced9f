"""Writes a model repository for NVIDIA's Triton Inference Server from an exported folder.

    REPO/artrt_stylize/config.pbtxt      inputs, outputs and states, from the stage contract
    REPO/artrt_stylize/labels.txt        names of the styles; their vectors lie in styles/
    REPO/artrt_stylize/1/model.onnx      or model.plan

Numbers travel as one-element vectors, because Triton knows no tensors without dimensions. States become Triton's
implicit states: one sequence is one video.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..engine.artefact import Artefact
from ..engine.errors import OutputError
from ..engine.plan import read_sidecar
from ..engine.stage_spec import METADATA_KEY, Dimension, StageSpec, state_input, state_output

PLATFORMS = {".onnx": "onnxruntime_onnx", ".plan": "tensorrt_plan"}


def write_repository(folder: Path, repository: Path) -> list[Path]:
    """Writes one Triton model per stage.

    Args:
        folder: A folder that `artrt export` wrote; it is verified.
        repository: The model repository; models of other names in it stay.

    Returns:
        Folders of the models.

    Raises:
        IntegrityError: The artefact was changed.
        OutputError: The repository cannot be written.
    """
    artefact = Artefact.open(folder)
    return [_write_model(artefact, path, repository) for path in artefact.stage_paths]


def config_text(
    spec: StageSpec, *, name: str, platform: str, styles: Iterable[str], mask: bool = False
) -> str:
    """The `config.pbtxt` of a stage.

    Args:
        spec: The stage contract.
        name: Name of the Triton model.
        platform: "onnxruntime_onnx" or "tensorrt_plan".
        styles: Names of the styles, for the parameters.
        mask: The result is a mask.
    """
    batch: tuple[Dimension, ...] = (spec.extra["batch"],) if "batch" in spec.extra else ()
    inputs = [_tensor("frame", "TYPE_UINT8", (*batch, "H", "W", 3))]
    inputs += [_tensor(control, "TYPE_FP32", value.shape) for control, value in spec.controls.items()]
    result = ("TYPE_FP32", ("h", "w")) if mask else ("TYPE_UINT8", (*batch, "H", "W", 3))
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
    target = repository / name
    mask = spec.name == "saliency"
    text = config_text(spec, name=name, platform=PLATFORMS[path.suffix], styles=artefact.styles, mask=mask)
    try:
        (target / "1").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target / "1" / f"model{path.suffix}")
        (target / "labels.txt").write_text(
            "".join(f"{style}\n" for style in artefact.styles), encoding="utf-8"
        )
        if (artefact.folder / "styles").is_dir():
            shutil.copytree(artefact.folder / "styles", target / "styles", dirs_exist_ok=True)
        (target / "config.pbtxt").write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    return target


def _spec(path: Path) -> StageSpec:
    if path.suffix == ".plan":
        return StageSpec.from_json(read_sidecar(path)["metadata"][METADATA_KEY])
    import onnx

    from .fuse import spec_of

    return spec_of(onnx.load(str(path)))


def _tensor(name: str, kind: str, shape: tuple[Dimension, ...]) -> str:
    sizes = ", ".join(str(size) if isinstance(size, int) else "-1" for size in shape)
    dims = f"dims: [ {sizes} ]" if shape else "dims: [ 1 ] reshape { shape: [ ] }"
    return f'{{ name: "{name}" data_type: {kind} {dims} }}'


def _states(spec: StageSpec) -> list[str]:
    if not spec.states:
        return []
    states = [
        f'  state {{ input_name: "{state_input(name)}" output_name: "{state_output(name)}" data_type: TYPE_FP32 '
        f"dims: [ {_sizes(state.shape)} ] }}"
        for name, state in spec.states.items()
    ]
    return ["sequence_batching {", "  max_sequence_idle_microseconds: 5000000", *states, "}"]


def _sizes(shape: tuple[Dimension, ...]) -> str:
    return ", ".join(str(size) if isinstance(size, int) else "-1" for size in shape)


def _facts(spec: StageSpec, styles: Iterable[str]) -> Mapping[str, Any]:
    return {"styles": ",".join(styles), METADATA_KEY: spec.to_json()}


def _parameter(key: str, value: str) -> str:
    return f"parameters {{ key: {json.dumps(key)} value {{ string_value: {json.dumps(value)} }} }}"
