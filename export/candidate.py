"""The candidate of an evaluation: a shipped stage, a trunk in training, or pictures of another program."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.effects.saliency import SALIENCY_FILE, Saliency
from ..engine.errors import InputError, UsageError
from ..engine.frame import Image
from ..engine.looks.building import build_chain
from ..engine.looks.look import NUMBERS, Look
from ..engine.looks.styling import model_file, style_vector
from ..engine.sources import Size
from ..engine.stages.chain import Chain
from ..engine.zoo.style import Style, load_style
from ..engine.zoo.zoo import Zoo

if TYPE_CHECKING:
    from ..models.evaluation.judge import MaskOf, Paint

Report = Callable[[str], None]
FPS_RUNS = 9


@dataclass(frozen=True)
class EvaluateOptions:
    """Options of an evaluation.

    Args:
        style: Names separated by commas, or "all".
        model: Style transformer of the zoo, or its .onnx file.
        trunk: A trunk in training (.safetensors) instead, with `styles_dir`.
        styles_dir: Folder of the style vectors for `trunk`.
        against: Judge existing pictures instead: DIR/STYLE/PHOTO.png, from any program.
        strength: 0 (photograph) to 1 (full style).
        keep_salient: Share of the photograph in the salient region, 0 to 1.
        provider: "auto", "cpu", "cuda", "tensorrt" or "openvino".
        threads: Threads of one inference on a CPU.
        fps_size: Size at which frames per second are measured, "1280x720"; "none" skips it.
        weights: Folder with the weights of the loss networks; None searches the caches.
        long_side_px: Photographs are reduced to this long side.
        all_photos: Use every photograph, not only the held-out ones.
        limit: Largest number of photographs.
        frames: Folder of clips for the warping error, or None.
        flow: Optical flow of `frames`: "auto", "dis" or a file.
        write: Folder to write photographs and paintings to, or None.
    """

    style: str = "all"
    model: str = "small"
    trunk: Path | None = None
    styles_dir: Path | None = None
    against: Path | None = None
    strength: float = NUMBERS["strength"].default
    keep_salient: float = NUMBERS["keep_salient"].default
    provider: str = "auto"
    threads: int | None = None
    fps_size: str = "1280x720"
    weights: Path | None = None
    long_side_px: int = 384
    all_photos: bool = False
    limit: int | None = None
    frames: Path | None = None
    flow: str = "auto"
    write: Path | None = None


@dataclass(frozen=True)
class Candidate:
    """What the evaluation judges.

    Attributes:
        styles: Names of the styles.
        transform: Paints a picture in a style.
        paint: Like `transform`, but also takes the photograph's file.
        mask_of: Computes saliency masks, or None.
        settings: Settings for the report.
        cost: Frames per second, parameters and operations; may be empty.
    """

    styles: Sequence[str]
    transform: Callable[[Image, str], Image]
    paint: Paint
    mask_of: MaskOf | None
    settings: dict[str, Any]
    cost: Callable[[], dict[str, Any]] = field(default=dict)


def candidate_of(options: EvaluateOptions, *, work: Path, stack: ExitStack, report: Report) -> Candidate:
    """Opens the candidate that the options name.

    Args:
        options: The options.
        work: An empty folder for temporary files.
        stack: Closes the opened resources.
        report: Called with messages about skipped parts.

    Raises:
        UsageError: The options contradict each other.
        UnknownStyleError: There is no such style.
    """
    if sum(option is not None for option in (options.against, options.trunk)) > 1:
        raise UsageError("--against scores pictures, --trunk a network: give one of them")
    if (options.trunk is None) != (options.styles_dir is None):
        raise UsageError("--trunk and --styles-dir belong together")
    mask_of = _mask_of(options, stack, report)
    if options.against is not None:
        return _pictures(options, options.against, mask_of)
    styles = _styles(options)
    model = str(_exported(options.trunk, work)) if options.trunk else options.model
    look = Look(
        style=next(iter(styles.values()))[0],
        strength=options.strength,
        keep_salient=options.keep_salient,
        model=model,
        provider=options.provider,
        threads=options.threads,
    )
    chain = stack.enter_context(build_chain(look))
    stage = next(stage for stage in chain.stages if "style" in stage.controls)
    vectors = {name: style_vector(style, stage) for name, (_, style) in styles.items()}

    def transform(image: Image, style: str) -> Image:
        return chain(image, style=vectors[style])

    return Candidate(
        styles=list(styles),
        transform=transform,
        paint=lambda path, image, style: transform(image, style),
        mask_of=mask_of,
        settings={"model": model if options.trunk is None else str(options.trunk)}
        | {"strength": options.strength, "keep_salient": options.keep_salient, "provider": chain.provider},
        cost=lambda: _cost(chain, vectors[next(iter(vectors))], model, options.fps_size),
    )


def _mask_of(options: EvaluateOptions, stack: ExitStack, report: Report) -> MaskOf | None:
    if SALIENCY_FILE not in Zoo().manifest():
        report("no saliency network in the zoo: saliency is left out")
        return None
    return stack.enter_context(Saliency(provider=options.provider, threads=options.threads))


def _pictures(options: EvaluateOptions, folder: Path, mask_of: MaskOf | None) -> Candidate:
    from ..models.evaluation.existing_paintings import existing_paintings

    known = sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name != "photographs")
    styles = known if options.style == "all" else options.style.split(",")
    if not styles:
        raise UsageError(f"{folder} has no folder for a style: name the one style of its pictures by --style")

    def transform(image: Image, style: str) -> Image:
        raise UsageError("--frames needs something that paints: leave --against out")

    paint = existing_paintings(folder, styles=styles)
    return Candidate(styles, transform, paint, mask_of, {"against": str(folder)})


def _styles(options: EvaluateOptions) -> dict[str, tuple[str, Style]]:
    """Style name -> (value of the chain's control, the style)."""
    if options.styles_dir is not None:
        files = {path.stem: str(path) for path in sorted(options.styles_dir.glob("*.safetensors"))}
        wanted = list(files) if options.style == "all" else options.style.split(",")
        if not files or any(name not in files for name in wanted):
            raise InputError(
                f"{options.styles_dir} does not have all of the styles {', '.join(wanted) or 'requested'}"
            )
        return {name: (files[name], load_style(files[name])) for name in wanted}
    zoo = Zoo()
    wanted = zoo.styles() if options.style == "all" else options.style.split(",")
    if not wanted:
        raise InputError(f"{zoo.folder} has no styles")
    return {Path(name).stem: (name, zoo.style(name)) for name in wanted}


def _exported(trunk: Path, work: Path) -> Path:
    import onnx

    from ..models.networks.transformer import load_trunk
    from .onnx_from_transformer import onnx_from_transformer

    path = work / "trunk.onnx"
    onnx.save(onnx_from_transformer(load_trunk(trunk)), path)
    return path


def _cost(chain: Chain, vector: Any, model: str, size_text: str) -> dict[str, Any]:
    if size_text == "none":
        return {}
    from .onnx_cost import cost_of

    size = Size.parse(size_text)
    width, height = size.width or 1280, size.height or 720
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    seconds = []
    for _ in range(FPS_RUNS + 2):
        started = time.perf_counter()
        chain(picture, style=vector)
        seconds.append(time.perf_counter() - started)
    cost = cost_of(model_file(model, Zoo()), height=height, width=width)
    return {"fps": 1 / float(np.median(seconds[2:]))} | cost.to_dict()
