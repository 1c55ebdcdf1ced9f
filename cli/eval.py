"""`artrt eval`: scores styles, a trunk in training, or pictures of any other program, by one yardstick."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from ._common import echo_json, json_option, notice, progress, provider_option, threads_option
from ._evaluation import Candidate, Request, Shown, candidate_of, chosen_photographs, style_pictures, table

FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command(name="eval")
@click.option("--style", "-s", default="all", show_default=True, metavar="A,B|all", help="Styles to judge.")
@click.option(
    "--photos", type=FOLDER, required=True, help="Photographs; the held-out ones of a large folder."
)
@click.option("--all-photos", is_flag=True, help="Judge on every photograph, not only on the held-out ones.")
@click.option("--paintings", type=FOLDER, required=True, help="Folder with the style pictures, NAME.jpg.")
@click.option("--weights", type=FOLDER, help="Folder with the weights of the loss networks.")
@click.option(
    "--model", "-m", default="small", show_default=True, help="Style transformer, or its .onnx file."
)
@click.option("--trunk", type=FILE, help="Judge this trunk (.safetensors) instead, with --styles-dir.")
@click.option("--styles-dir", type=FOLDER, help="Folder of the style vectors that belong to --trunk.")
@click.option("--against", type=FOLDER, help="Judge pictures instead: DIR/STYLE/PHOTO.png of any program.")
@click.option("--strength", type=click.FloatRange(0, 1), default=1.0, show_default=True)
@click.option("--keep-salient", type=click.FloatRange(0, 1), default=0.0, show_default=True)
@click.option("--frames", type=FOLDER, help="Folder of clips (frames, or frames with .flo): warping error.")
@click.option("--flow", default="auto", show_default=True, metavar="auto|dis|FILE", help="Flow of --frames.")
@click.option(
    "--long-side", type=click.IntRange(64), default=384, show_default=True, help="Of photographs, px."
)
@click.option("--limit", type=click.IntRange(1), help="Judge on this many photographs only.")
@click.option(
    "--write", type=click.Path(path_type=Path, file_okay=False), help="Keep photographs and paintings here."
)
@click.option(
    "--fps-size",
    default="1280x720",
    show_default=True,
    metavar="WxH|none",
    help="Size for frames per second.",
)
@provider_option
@threads_option
@json_option
def command(
    style: str,
    photos: Path,
    all_photos: bool,
    paintings: Path,
    weights: Path | None,
    model: str,
    trunk: Path | None,
    styles_dir: Path | None,
    against: Path | None,
    strength: float,
    keep_salient: float,
    frames: Path | None,
    flow: str,
    long_side: int,
    limit: int | None,
    write: Path | None,
    fps_size: str,
    provider: str,
    threads: int | None,
    as_json: bool,
) -> None:
    r"""Judge styles: what they took from the painting, what they kept of the photograph.

    \b
    artrt eval --style all --photos photos/ --paintings styles/ --weights weights/ --json
    artrt eval --style udnie --photos photos/ --paintings styles/ --against other-program/
    """
    request = Request(
        style, model, trunk, styles_dir, against, strength, keep_salient, provider, threads, fps_size
    )
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        candidate = candidate_of(request, work=work, stack=stack)
        report = _judged(
            candidate,
            photos,
            paintings,
            weights,
            all_photos=all_photos,
            limit=limit,
            long_side=long_side,
            write=write,
        )
        if frames is not None:
            report["warping_error"] = _steadiness(candidate, frames, flow)
        report |= candidate.cost()
    if as_json:
        echo_json(report)
    else:
        click.echo(table(report))


def _judged(
    candidate: Candidate,
    photos: Path,
    paintings: Path,
    weights: Path | None,
    *,
    all_photos: bool,
    limit: int | None,
    long_side: int,
    write: Path | None,
) -> dict[str, Any]:
    from ..models.evaluation import EvaluationOptions, Judge, judge_paintings, mean_scores

    chosen = chosen_photographs(photos, every=all_photos, limit=limit)
    pictures = style_pictures(paintings, candidate.styles)
    options = EvaluationOptions(long_side_px=long_side, style_sizes=candidate.style_sizes)
    notice(f"judging {len(pictures)} styles on {len(chosen)} photographs of {photos}")
    judge = Judge.load(weights=weights, mask_of=candidate.mask_of)
    paint = Shown(candidate.paint, write)
    with progress("judging") as advance:
        scores = judge_paintings(paint, chosen, pictures, options, judge=judge, report=advance)
    means = mean_scores(scores)
    settings = {
        "photographs": len(chosen),
        "long_side_px": long_side,
        "style_long_side_px": {name: options.style_size(name) for name in pictures},
    }
    return {
        "settings": settings | candidate.settings,
        "mean": means.pop("mean"),
        "styles": means,
        "pictures": [vars(score) for score in scores],
    }


def _steadiness(candidate: Candidate, frames: Path, flow: str) -> dict[str, float]:
    from ..models.evaluation import evaluate_frames
    from ..models.frame_pairs import find_frame_pairs

    pairs = list(find_frame_pairs(frames, flow=flow))
    errors = evaluate_frames(candidate.transform, pairs, candidate.styles)
    own = errors.pop("")
    return {
        "mean": sum(errors.values()) / len(errors),
        "frames_themselves": own,
        "pairs": len(pairs),
    } | errors
