"""Builds engines from an exported ONNX folder, on the machine that will run them, without PyTorch.

    artrt export --size 1280x720 --half -o deploy                        here, with PyTorch
    artrt export --model deploy --format engine -o deploy-trt            on the Jetson

Stages, precision, styles and a fixed size come from the folder; for a folder of free size, a size or a range can be
chosen.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import onnx

from ..engine.errors import MissingExtraError, ProviderError, UsageError
from ..engine.frame import Image
from ..engine.zoo.artefact import Artefact
from ..engine.zoo.style import load_style
from .engine_from_onnx import BuildOptions, build_options, engine_from_onnx, require_tensorrt, size_option
from .engine_parity import check_engine
from .fixed_stroke import with_stroke
from .fuse import spec_of
from .manifest import complete_manifest, shapes_of
from .options import ExportOptions, Shapes
from .output_folder import filling, require_place
from .pictures import real_pictures

Report = Callable[[str], None]
Progress = Callable[[str, int, int], None]
OWN = (
    "format",
    "shapes",
    "stroke",
    "workspace_gib",
    "hardware_compatible",
    "version_compatible",
    "verify",
    "calibration",
)
"""Options that can be changed; all others come from the folder."""


def engines_of_artefact(
    options: ExportOptions,
    folder: Path,
    *,
    report: Report = lambda _: None,
    progress: Progress = lambda phase, done, total: None,
) -> dict[str, Any]:
    """Builds an engine of every stage of an ONNX folder.

    Args:
        options: `model` is the folder, `format` "engine"; `calibration` may name pictures for the check.
        folder: Target; an existing artefact is replaced, any other folder that is not empty is refused.
        report: Called with messages, one line each.
        progress: Called with the builder's progress: phase, finished steps, all steps.

    Returns:
        The manifest.

    Raises:
        IntegrityError: The ONNX folder was changed.
        UsageError: An option that the folder already fixes.
        ProviderError: TensorRT or the GPU is missing, or the build failed.
        ParityError: An engine differs from its model; nothing is written.
    """
    folder = folder.absolute()
    source = Artefact.open(options.model)
    options = replace(options, shapes=_shapes(source, options), stroke=_stroke(source, options))
    _require_own(source, options, folder)
    require_place(folder)
    require_tensorrt()
    picture = _picture(options) if options.verify else None
    style = load_style(source.zoo.path(f"styles/{source.styles[0]}.safetensors")) if source.styles else None
    with filling(folder) as target:
        stages = []
        for path in source.stage_paths:
            report(f"building {path.stem} ({source.manifest['precision']})")
            model = with_stroke(onnx.load(str(path)), options.fixed_stroke or 1.0)
            plan = target / f"{path.stem}.plan"
            sidecar = engine_from_onnx(model, plan, _build(source, options), progress=progress)
            entry = {"name": path.stem, "file": plan.name, "device": sidecar["device"]}
            entry["contract"] = json.loads(spec_of(model).to_json())
            if options.verify:
                measured = check_engine(
                    plan,
                    model,
                    picture,
                    size=options.shapes.optimum,
                    precision=source.manifest["precision"],
                    style=style.vector if style is not None else None,
                )
                entry["parity"] = measured.to_dict()
            stages.append(entry)
        if source.styles:
            shutil.copytree(source.folder / "styles", target / "styles")
        sizes = shapes_of(replace(options, batch=source.manifest["shapes"]["batch"]))
        facts = {"kind": "engine", "stages": stages, "shapes": sizes, "stroke": options.stroke}
        return complete_manifest(target, {**source.manifest, **facts})


def _require_own(source: Artefact, options: ExportOptions, folder: Path) -> None:
    if options.format != "engine" or source.manifest["kind"] != "onnx":
        raise UsageError(
            f"{source.folder} is an exported folder: use --format engine, and a folder of --format onnx"
        )
    if folder == source.folder.absolute():
        raise UsageError(f"{folder} is the folder to build from: name another output with -o")
    usual = ExportOptions()
    for field in fields(ExportOptions):
        if field.name not in ("model", *OWN) and getattr(options, field.name) != getattr(usual, field.name):
            raise UsageError(f"{field.name} is fixed by the folder {source.folder}: leave the option out")


def _shapes(source: Artefact, options: ExportOptions) -> Shapes:
    """The folder's fixed size, or the requested sizes."""
    if source.size is None:
        return options.shapes if options.shapes != Shapes() else _range(source)
    fixed = Shapes(source.size, source.size, source.size)
    if options.shapes not in (Shapes(), fixed):
        height, width = source.size
        raise UsageError(f"{source.folder} was exported only for {width}x{height}: leave the size out")
    return fixed


def _stroke(source: Artefact, options: ExportOptions) -> float | None:
    """The folder's fixed stroke, or the requested one; None if the folder has no style stage."""
    if options.stroke not in (None, source.stroke) and source.stroke is not None:
        raise UsageError(f"{source.folder} was exported only for stroke {source.stroke:g}: leave it out")
    asked = source.stroke if options.stroke is None else options.stroke
    return asked or 1.0 if source.styles else None


def _range(source: Artefact) -> Shapes:
    sizes = source.manifest["shapes"]["profile"]
    return Shapes(
        *((size[0], size[1]) for size in (sizes[name] for name in ("minimum", "optimum", "maximum")))
    )


def _build(source: Artefact, options: ExportOptions) -> BuildOptions:
    stroke = "" if options.stroke is None else f"--stroke {options.stroke:g}"
    parts = [size_option(options.shapes), build_options(options), stroke]
    command = " ".join(
        [f"artrt export --model {source.folder.absolute()} --format engine", *filter(None, parts)]
    )
    return replace(BuildOptions.of(options), precision=source.manifest["precision"], rebuild=command)


def _picture(options: ExportOptions) -> Image | None:
    """A photograph from the given folder, or scikit-image's sample; None uses the test pattern of the probe."""
    if importlib.util.find_spec("onnxruntime") is None:
        raise ProviderError(
            "the check of an engine needs onnxruntime: pip install onnxruntime, or --no-verify"
        )
    try:
        return real_pictures(options.calibration, limit=1)[0]
    except MissingExtraError:
        return None
