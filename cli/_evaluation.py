"""What `artrt eval` judges: shipped stages, a trunk in training, or pictures; and its table."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.effects.saliency import SALIENCY_FILE, Saliency
from ..engine.errors import InputError, UsageError
from ..engine.frame import IMAGE_SUFFIXES, Image, write_image
from ..engine.looks.building import build_chain
from ..engine.looks.look import Look
from ..engine.looks.styling import model_file, style_vector
from ..engine.sources import Size
from ..engine.stages.chain import Chain
from ..engine.zoo.style import Style, load_style
from ..engine.zoo.zoo import Zoo
from ._common import notice

if TYPE_CHECKING:
    from ..models.evaluation import MaskOf, Paint

FPS_RUNS = 9
COLUMNS = {
    "style": "style_loss",
    "content": "content_loss",
    "CAM": "cam_correlation",
    "CAM IoU": "cam_iou",
    "top-1": "top1_kept",
    "sal. IoU": "saliency_iou",
    "SSIM": "ssim",
    "edge F1": "edge_f1",
    "SN style": "squeezenet_style_loss",
    "SN content": "squeezenet_content_loss",
}


@dataclass(frozen=True)
class Request:
    """The options that say what is judged."""

    style: str
    model: str
    trunk: Path | None
    styles_dir: Path | None
    against: Path | None
    strength: float
    keep_salient: float
    provider: str
    threads: int | None
    fps_size: str


@dataclass(frozen=True)
class Candidate:
    """What is judged.

    Attributes:
        styles: names of the styles.
        transform: paints a picture in a style.
        paint: the same, knowing the photograph's file.
        mask_of: saliency masks for the judge, or None.
        style_sizes: long side of the style pictures that the styles were trained on.
        settings: facts for the report.
        cost: frames per second, parameters and operations, or nothing.
    """

    styles: Sequence[str]
    transform: Callable[[Image, str], Image]
    paint: Paint
    mask_of: MaskOf | None
    style_sizes: Mapping[str, int]
    settings: dict[str, Any]
    cost: Callable[[], dict[str, Any]] = field(default=dict)


class Shown:
    """A painter that keeps what it painted.

    Args:
        paint: the painter.
        folder: gets photographs/NAME.png and STYLE/NAME.png; None keeps nothing.
    """

    def __init__(self, paint: Paint, folder: Path | None) -> None:
        self._paint = paint
        self._folder = folder

    def __call__(self, path: Path, image: Image, style: str) -> Image:
        """Paints, and writes both pictures."""
        painting = self._paint(path, image, style)
        if self._folder is not None:
            write_image(self._folder / "photographs" / f"{path.stem}.png", image)
            write_image(self._folder / style / f"{path.stem}.png", painting)
        return painting


def candidate_of(request: Request, *, work: Path, stack: ExitStack) -> Candidate:
    """Opens what the options ask for.

    Args:
        request: the options.
        work: an empty folder for files in between.
        stack: closes what was opened.

    Raises:
        UsageError: the options contradict each other.
        UnknownStyleError: no such style.
    """
    if sum(option is not None for option in (request.against, request.trunk)) > 1:
        raise UsageError("--against judges pictures and --trunk a network: give one of them")
    if (request.trunk is None) != (request.styles_dir is None):
        raise UsageError("--trunk and --styles-dir belong together")
    mask_of = _mask_of(request, stack)
    if request.against is not None:
        return _pictures(request, request.against, mask_of)
    styles = _styles(request)
    model = str(_exported(request.trunk, work)) if request.trunk else request.model
    look = Look(
        style=next(iter(styles.values()))[0],
        strength=request.strength,
        keep_salient=request.keep_salient,
        model=model,
        provider=request.provider,
        threads=request.threads,
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
        style_sizes={name: _trained_size(style) for name, (_, style) in styles.items()},
        settings={"model": model if request.trunk is None else str(request.trunk)}
        | {"strength": request.strength, "keep_salient": request.keep_salient, "provider": chain.provider},
        cost=lambda: _cost(chain, vectors[next(iter(vectors))], model, request.fps_size),
    )


def chosen_photographs(folder: Path, *, every: bool, limit: int | None) -> list[Path]:
    """The held-out photographs of a folder, or all of them when asked to or when none is held out."""
    from ..models.photos import find_photographs, split_held_out

    found = find_photographs(folder)
    held_out = split_held_out(found)[1]
    return (found if every or not held_out else held_out)[:limit]


def style_pictures(folder: Path, styles: Sequence[str]) -> dict[str, Path]:
    """The picture of each style: `folder`/NAME with any picture suffix.

    Raises:
        InputError: one is missing.
    """
    pictures = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in IMAGE_SUFFIXES}
    missing = [name for name in styles if name not in pictures]
    if missing:
        raise InputError(f"{folder} has no picture of the style {missing[0]} ({missing[0]}.jpg)")
    return {name: pictures[name] for name in styles}


def table(report: Mapping[str, Any]) -> str:
    """The means as lines of text."""
    rows = {**report["styles"], "mean": report["mean"]}
    width = max(len(name) for name in rows)
    columns = {title: key for title, key in COLUMNS.items() if key in report["mean"]}
    lines = [" " * width + "".join(f"{title:>12}" for title in columns)]
    lines += [
        f"{name:{width}}" + "".join(f"{scores[key]:12.3f}" for key in columns.values())
        for name, scores in rows.items()
    ]
    if "warping_error" in report:
        errors = report["warping_error"]
        lines.append(
            f"warping error {errors['mean']:.5f} on {errors['pairs']} pairs (frames: {errors['frames_themselves']:.5f})"
        )
    if "fps" in report:
        lines.append(
            f"{report['fps']:.1f} frames/s at {report['width']}x{report['height']}, "
            f"{report['parameters'] / 1e3:.0f} k parameters, {report['macs'] / 1e9:.2f} G multiply-adds"
        )
    return "\n".join(lines)


def _mask_of(request: Request, stack: ExitStack) -> MaskOf | None:
    if SALIENCY_FILE not in Zoo().manifest():
        notice("no saliency network in the zoo: saliency is left out")
        return None
    return stack.enter_context(Saliency(provider=request.provider, threads=request.threads))


def _pictures(request: Request, folder: Path, mask_of: MaskOf | None) -> Candidate:
    from ..models.painters import paintings_of

    known = sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name != "photographs")
    styles = known if request.style == "all" else request.style.split(",")
    if not styles:
        raise UsageError(f"{folder} has no folder for a style: name the one style of its pictures by --style")

    def transform(image: Image, style: str) -> Image:
        raise UsageError("--frames needs something that paints: leave --against out")

    sizes = {name: _trained_size(Zoo().style(name)) for name in styles if name in Zoo().styles()}
    return Candidate(
        styles, transform, paintings_of(folder, styles=styles), mask_of, sizes, {"against": str(folder)}
    )


def _styles(request: Request) -> dict[str, tuple[str, Style]]:
    """Style name -> (what the chain takes for it, the style)."""
    if request.styles_dir is not None:
        files = {path.stem: str(path) for path in sorted(request.styles_dir.glob("*.safetensors"))}
        wanted = list(files) if request.style == "all" else request.style.split(",")
        if not files or any(name not in files for name in wanted):
            raise InputError(
                f"{request.styles_dir} has not all of the styles {', '.join(wanted) or 'asked for'}"
            )
        return {name: (files[name], load_style(files[name])) for name in wanted}
    zoo = Zoo()
    wanted = zoo.styles() if request.style == "all" else request.style.split(",")
    if not wanted:
        raise InputError(f"{zoo.folder} has no styles")
    return {Path(name).stem: (name, zoo.style(name)) for name in wanted}


def _exported(trunk: Path, work: Path) -> Path:
    import onnx

    from ..export.onnx_from_transformer import onnx_from_transformer
    from ..models.transformer import load_trunk

    path = work / "trunk.onnx"
    onnx.save(onnx_from_transformer(load_trunk(trunk)), path)
    return path


def _trained_size(style: Style) -> int:
    return int(style.training.get("style_long_side_px", 512))


def _cost(chain: Chain, vector: Any, model: str, size_text: str) -> dict[str, Any]:
    if size_text == "none":
        return {}
    from ..export.onnx_cost import cost_of

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
