"""Builds the folder of `artrt export`, atomically: models or engines, styles and the manifest.

trunk ─► stages ─► precision ─► parity ─► size ─► fusion ─► [engine] ─► folder
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import onnx

from ..engine.errors import InputError, UnknownStyleError, UsageError
from ..engine.frame import Image
from ..engine.zoo.style import Style
from ..engine.zoo.zoo import Zoo
from ..models.networks.transformer import StyleTransformer, load_trunk
from .batch import batched
from .cpu_time import relative_cpu_time, verdict
from .effect_parity import EXPECTED, TOLERANCE, effect_parity
from .fuse import fuse, spec_of
from .manifest import write_manifest
from .onnx_from_transformer import onnx_from_transformer
from .options import ExportOptions, StageChoice
from .output_folder import filling, require_place
from .parity import TOLERANCES, Parity, measure, require
from .pictures import real_pictures
from .precision import to_precision
from .simplify import with_size
from .transformer_parity import cpu_stage, stage_painter, torch_painter

Report = Callable[[str], None]
Progress = Callable[[str, int, int], None]
PICTURES = 4
EFFECT_PICTURES = 2


@dataclass(frozen=True)
class Trunk:
    """A trunk and the styles that fit it.

    Args:
        transformer: The network.
        styles: The styles to include, at least one.
    """

    transformer: StyleTransformer
    styles: tuple[Style, ...]


def export_artefact(
    options: ExportOptions,
    folder: Path,
    *,
    zoo: Zoo | None = None,
    report: Report = lambda _: None,
    progress: Progress = lambda phase, done, total: None,
) -> dict[str, Any]:
    """Builds, checks and writes an artefact.

    Args:
        options: Options of the export.
        folder: Target; an existing artefact is replaced, any other folder that is not empty is refused.
        zoo: The zoo of trunks and styles.
        report: Called with messages, one line each.
        progress: Called with TensorRT's progress: phase, finished steps, all steps.

    Returns:
        The manifest.

    Raises:
        ParityError: A model differs from its original; nothing is written.
        UsageError: Unknown model or style.
        OutputError: The folder was not written by artrt, or cannot be written.
        ProviderError: An engine was requested, but TensorRT or the GPU is missing.
        InputError: A page was requested, but onnxruntime-web or a network of it is missing.
    """
    folder = folder.absolute()
    require_place(folder)
    if options.format == "engine":
        from .engine_from_onnx import require_tensorrt

        require_tensorrt()
    if options.format == "web":
        from .web.runtime import find_runtime

        options = replace(options, runtime=find_runtime(options.runtime))
    zoo = zoo or Zoo()
    trunk = load_matching_trunk(options, zoo) if _styled(options) else None
    if options.format == "web" and trunk is not None:
        from .web.networks import with_networks

        options = with_networks(options, zoo, trunk=trunk.transformer.trunk_hash())
    pictures = real_pictures(options.calibration, limit=PICTURES) if options.verify else []
    models, parity = [], {}
    with tempfile.TemporaryDirectory(prefix="artrt-export-") as scratch:
        for choice in _choices(options):
            report(f"building {choice.name} ({options.precision})")
            model, measured = _checked_stage(choice, options, trunk, zoo, pictures, Path(scratch))
            models.append(model)
            if measured is not None:
                parity[choice.name] = measured
                for line in _said(choice.name, options.precision, measured):
                    report(line)
        if options.fuse and len(models) > 1:
            models = [fuse(models)]
        if options.batch > 1:
            models = [batched(model, options.batch) for model in models]
        return _write(folder, options, models, trunk, zoo, parity, pictures, progress)


def load_matching_trunk(options: ExportOptions, zoo: Zoo) -> Trunk:
    """The trunk that `options.model` names, with its styles.

    Raises:
        UsageError: The zoo has no such trunk, or a style belongs to another trunk.
        InputError: No style fits the trunk.
    """
    path = Path(options.model)
    if path.suffix != ".safetensors":
        path = _zoo_trunk(options.model, zoo)
    transformer = load_trunk(path)
    key = transformer.trunk_hash()
    fitting = {name: style for name in zoo.styles() if (style := zoo.style(name)).trunk == key}
    for name in options.styles:
        if name not in fitting:
            raise UnknownStyleError(name, known=fitting)
    chosen = options.styles or tuple(fitting)
    if not chosen:
        raise InputError(f"no style in {zoo.folder} fits the trunk {path.name} (sha256 {key[:12]}…)")
    return Trunk(transformer, tuple(fitting[name] for name in chosen))


def _zoo_trunk(model: str, zoo: Zoo) -> Path:
    known = [
        name[6:-12] for name in zoo.manifest() if name.startswith("trunk-") and name.endswith(".safetensors")
    ]
    if model not in known:
        raise UsageError(
            f"unknown model '{model}': known are {', '.join(known) or 'none'}, or a trunk's .safetensors"
        )
    return zoo.path(f"trunk-{model}.safetensors")


def _styled(options: ExportOptions) -> bool:
    return any(choice.name == "stylize" for choice in options.stages)


def _choices(options: ExportOptions) -> list[StageChoice]:
    return [StageChoice("saliency")] * bool(options.saliency) + list(options.stages)


def _checked_stage(
    choice: StageChoice,
    options: ExportOptions,
    trunk: Trunk | None,
    zoo: Zoo,
    pictures: list[Image],
    scratch: Path,
) -> tuple[onnx.ModelProto, Parity | None]:
    """Builds one stage in its size and precision, and compares it with its original."""
    original = _original(choice, options, trunk, zoo)
    style = trunk.styles[0] if choice.name == "stylize" and trunk is not None else None
    # The size stays free until the end, to calibrate and check with pictures of any size; fixing it changes no result.
    free = original if choice.name == "saliency" else to_precision(original, options, style=style)
    if options.format == "web":
        from .web.web_form import web_form

        free = web_form(free)
    model = with_size(free, options.shapes.minimum) if options.shapes.fixed else free
    if not options.verify:
        return model, None
    if choice.name in EXPECTED:
        measured = _effect_parity(free, pictures, scratch)
        require(measured, TOLERANCE, what=f"the {choice.name} stage")
        return model, measured
    if style is None or trunk is None:
        return model, None
    measured = _transformer_parity(free, trunk, pictures, scratch, options)
    require(measured, TOLERANCES[options.precision], what=f"the {options.precision} {choice.name} stage")
    if options.precision != "fp32":
        ratio = relative_cpu_time(free, original, pictures[0], style.vector, folder=scratch)
        measured = replace(measured, cpu_time=ratio)
    return model, measured


def _effect_parity(model: onnx.ModelProto, pictures: list[Image], scratch: Path) -> Parity:
    path = scratch / f"{spec_of(model).name}.onnx"
    path.write_bytes(model.SerializeToString())
    return effect_parity(path, spec_of(model), pictures[:EFFECT_PICTURES])


def _said(name: str, precision: str, parity: Parity) -> Iterator[str]:
    """The message to the user about a measurement."""
    if parity.agreement is not None:
        yield f"parity of {name}: {parity.agreement:.2%} of pixels have the colour they should have"
        return
    style_loss = "" if parity.style_loss is None else f", style loss {parity.style_loss:+.1%}"
    yield f"parity of {name}: PSNR {parity.psnr_db} dB, largest {parity.max_abs} of 255{style_loss}"
    if parity.cpu_time is not None:
        yield verdict(precision, parity.cpu_time)


def _original(choice: StageChoice, options: ExportOptions, trunk: Trunk | None, zoo: Zoo) -> onnx.ModelProto:
    gpu = options.format == "engine"
    if choice.name == "stylize":
        assert trunk is not None
        return onnx_from_transformer(
            trunk.transformer, opset=options.opset, branch=not gpu, stroke=options.fixed_stroke
        )
    if choice.name == "saliency":
        return onnx.load(str(zoo.path("saliency.onnx")))
    if choice.name == "quantize":
        from .onnx_from_kmeans import onnx_from_kmeans

        return onnx_from_kmeans(colors=choice.amount)
    from .onnx_from_slic import onnx_from_slic

    return onnx_from_slic(regions=choice.amount)


def _transformer_parity(
    model: onnx.ModelProto, trunk: Trunk, pictures: list[Image], scratch: Path, options: ExportOptions
) -> Parity:
    """Parity with PyTorch on every picture in two styles; for int8 with the change of the style loss."""
    results, stroke = [], options.fixed_stroke or 1.0
    with cpu_stage(model, scratch) as stage:
        for style in trunk.styles[:2]:
            original = torch_painter(trunk.transformer, style.vector, stroke=stroke)
            results.append(measure(original, stage_painter(stage, style.vector), pictures))
        style_loss = None
        if options.precision == "int8":
            from .style_change import style_loss_change

            original = torch_painter(trunk.transformer, trunk.styles[0].vector, stroke=stroke)
            style_loss = style_loss_change(original, stage_painter(stage, trunk.styles[0].vector), pictures)
    worst = min(results, key=lambda parity: parity.psnr_db)
    largest = max(parity.max_abs for parity in results)
    return replace(worst, max_abs=largest, pictures=len(pictures) * len(results), style_loss=style_loss)


def _write(
    folder: Path,
    options: ExportOptions,
    models: list[onnx.ModelProto],
    trunk: Trunk | None,
    zoo: Zoo,
    parity: dict[str, Parity],
    pictures: list[Image],
    progress: Progress,
) -> dict[str, Any]:
    from ..engine.zoo.style import save_style

    with filling(folder) as target:
        style = trunk.styles[0] if trunk is not None else None
        stages = [_write_model(model, target, options, style, pictures, progress) for model in models]
        for style in trunk.styles if trunk is not None else ():
            (target / "styles").mkdir(exist_ok=True)
            save_style(target / "styles" / f"{style.name}.safetensors", style)
        encoder = None
        if options.format == "web":
            assert trunk is not None
            encoder = _write_site(target, options, trunk, zoo)
        return write_manifest(target, options, stages, trunk_styles(trunk), parity, encoder=encoder)


def _write_site(folder: Path, options: ExportOptions, trunk: Trunk, zoo: Zoo) -> dict[str, Any] | None:
    """Adds the page to the folder; returns what the manifest says about its style encoder, if it has one."""
    from .web.networks import write_encoder
    from .web.runtime import runtime_files
    from .web.site import write_site

    assert options.runtime is not None
    encoder = write_encoder(folder, zoo) if options.encoder else None
    write_site(folder, trunk.styles, runtime=options.runtime, files=runtime_files(webgpu=options.webgpu))
    return encoder


def trunk_styles(trunk: Trunk | None) -> list[str]:
    """Names of the styles of a trunk."""
    return [style.name for style in trunk.styles] if trunk is not None else []


def _write_model(
    model: onnx.ModelProto,
    folder: Path,
    options: ExportOptions,
    style: Style | None,
    pictures: list[Image],
    progress: Progress,
) -> dict[str, Any]:
    name, contract = spec_of(model).name, json.loads(spec_of(model).to_json())
    if options.format != "engine":
        onnx.save(model, str(folder / f"{name}.onnx"))
        return {"name": name, "file": f"{name}.onnx", "contract": contract}
    from .engine_from_onnx import BuildOptions, engine_from_onnx
    from .engine_parity import check_engine

    build, plan = BuildOptions.of(options), folder / f"{name}.plan"
    sidecar = engine_from_onnx(model, plan, build, progress=progress)
    entry = {"name": name, "file": plan.name, "contract": contract, "device": sidecar["device"]}
    if options.verify:
        measured = check_engine(
            plan,
            model,
            pictures[0],
            size=options.shapes.optimum,
            precision=options.precision,
            style=style.vector if style is not None else None,
        )
        entry["parity"] = measured.to_dict()
    return entry
