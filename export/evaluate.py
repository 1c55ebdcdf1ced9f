"""Evaluates styles: what they took from the painting, and what they kept of the photograph."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.errors import InputError
from ..engine.files import is_hidden, write_bytes
from ..engine.frame import IMAGE_SUFFIXES, Image, write_image
from .candidate import Candidate, EvaluateOptions, Report, candidate_of

if TYPE_CHECKING:
    from ..models.evaluation.judge import Paint

COLUMNS = {
    "painted": "painted",
    "full": "painted_full",
    "half": "painted_half",
    "quarter": "painted_quarter",
    "palette": "palette",
    "semantic": "semantic",
    "CAM": "cam_correlation",
    "top-1": "top1_kept",
    "sal. IoU": "saliency_iou",
    "SSIM": "ssim",
    "edge F1": "edge_f1",
}
COVARIANCE = "covariance_"


@dataclass(frozen=True)
class Evaluation:
    """The results of an evaluation; docs/metrics.md defines every number.

    Args:
        report: Settings, means, means by style, and the scores of every picture.
    """

    report: Mapping[str, Any]

    def table(self) -> str:
        """The means as lines of text."""
        return table(self.report)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the report as JSON.

        Raises:
            OutputError: The file cannot be written.
        """
        write_bytes(path, (json.dumps(self.report, indent=2, default=str) + "\n").encode())


class Shown:
    """Wraps a painter and saves its paintings.

    Args:
        paint: The painter.
        folder: Gets photographs/NAME.png and STYLE/NAME.png; None saves nothing.
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


def evaluate(
    photos: str | os.PathLike[str],
    paintings: str | os.PathLike[str],
    options: EvaluateOptions | None = None,
    *,
    report: Report = lambda line: None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Evaluates styles: what they took from the painting, and what they kept of the photograph.

    Args:
        photos: Folder of photographs; of a large folder, only the held-out photographs are used.
        paintings: Folder with the pictures of the styles, NAME.jpg.
        options: Options of the evaluation.
        report: Told what is going on, one line at a time.
        on_progress: Called with the number of judged paintings and the total.

    Raises:
        InputError: A picture or folder is missing.
        UsageError: Options that contradict each other.

    Example:
        >>> print(artrt.evaluate("photos", "paintings").table())
    """
    asked = options or EvaluateOptions()
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="artrt-evaluate-")))
        candidate = candidate_of(asked, work=work, stack=stack, report=report)
        found = _judged(
            candidate, Path(photos), Path(paintings), asked, report=report, on_progress=on_progress
        )
        if asked.frames is not None:
            found["warping_error"] = _steadiness(candidate, asked.frames, asked.flow)
        return Evaluation(found | candidate.cost())


def chosen_photographs(folder: Path, *, every: bool, limit: int | None) -> list[Path]:
    """The held-out photographs of a folder; all if requested, or if none is held out."""
    from ..models.photos import find_photographs, split_held_out

    found = find_photographs(folder)
    held_out = split_held_out(found)[1]
    return (found if every or not held_out else held_out)[:limit]


def style_pictures(folder: Path, styles: Sequence[str]) -> dict[str, Path]:
    """The picture of each style: `folder`/NAME with any picture suffix.

    Raises:
        InputError: A picture is missing.
    """
    pictures = {
        path.stem: path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in IMAGE_SUFFIXES and not is_hidden(path)
    }
    missing = [name for name in styles if name not in pictures]
    if missing:
        raise InputError(f"{folder} has no picture of the style {missing[0]} ({missing[0]}.jpg)")
    return {name: pictures[name] for name in styles}


def table(report: Mapping[str, Any]) -> str:
    """The means as lines of text."""
    rows = {**report["styles"], "mean": report["mean"]}
    width = max(len(name) for name in rows)
    columns = {title: key for title, key in COLUMNS.items() if key in report["mean"]}
    lines = [" " * width + "".join(f"{title:>10}" for title in columns)]
    lines += [
        f"{name:{width}}" + "".join(f"{scores[key]:10.3f}" for key in columns.values())
        for name, scores in rows.items()
    ]
    lines += _covariance_table(report, width)
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


def _covariance_table(report: Mapping[str, Any], width: int) -> list[str]:
    """Covariance errors by layer, each beside the difference of the painting's two halves."""
    layers = [name for name in report["mean"] if name.startswith(COVARIANCE)]
    if not layers:
        return []
    titles = "".join(f"{name.removeprefix(COVARIANCE):>14}" for name in layers)
    lines = [f"covariance error / of the painting's two halves\n{'':{width}}{titles}"]
    for name, floor in report["floors"].items():
        scores = report["styles"][name]
        cells = (f"{scores[layer]:.2f} / {floor[layer]:.2f}" for layer in layers)
        lines.append(f"{name:{width}}" + "".join(f"{cell:>14}" for cell in cells))
    return lines


def _judged(
    candidate: Candidate,
    photos: Path,
    paintings: Path,
    asked: EvaluateOptions,
    *,
    report: Report,
    on_progress: Callable[[int, int], None] | None,
) -> dict[str, Any]:
    from ..models.evaluation.judge import (
        EvaluationOptions,
        Judge,
        by_layer,
        judge_paintings,
        judged_targets,
        mean_scores,
    )

    chosen = chosen_photographs(photos, every=asked.all_photos, limit=asked.limit)
    pictures = style_pictures(paintings, candidate.styles)
    options = EvaluationOptions(long_side_px=asked.long_side_px)
    report(f"judging {len(pictures)} styles on {len(chosen)} photographs of {photos}")
    judge = Judge.load(weights=asked.weights, mask_of=candidate.mask_of)
    for line in judge.notices():
        report(line)
    paint = Shown(candidate.paint, asked.write)
    targets = judged_targets(pictures, options, judge=judge)
    scores = judge_paintings(paint, chosen, targets, options, judge=judge, report=on_progress)
    means = mean_scores(scores)
    settings = {
        "photographs": len(chosen),
        "long_side_px": asked.long_side_px,
        "style_long_side_px": options.style_long_side_px,
    }
    return {
        "settings": settings | candidate.settings,
        "mean": means.pop("mean"),
        "styles": means,
        "floors": {name: by_layer(target.floor) for name, target in targets.items()},
        "pictures": [asdict(score) for score in scores],
    }


def _steadiness(candidate: Candidate, frames: Path, flow: str) -> dict[str, float]:
    from ..models.evaluation.frame_pairs import find_frame_pairs
    from ..models.evaluation.judge import evaluate_frames

    pairs = list(find_frame_pairs(frames, flow=flow))
    errors = evaluate_frames(candidate.transform, pairs, candidate.styles)
    own = errors.pop("")
    return {
        "mean": sum(errors.values()) / len(errors),
        "frames_themselves": own,
        "pairs": len(pairs),
    } | errors
