"""`artrt eval`: scores styles, a trunk in training, or pictures of another program with the same metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ._options import json_option, number_option, provider_option, threads_option, weights_option
from ._report import echo_json, notice, progress

FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command(name="eval")
@click.option("--style", "-s", default="all", show_default=True, metavar="A,B|all", help="Styles to score.")
@click.option(
    "--photos", type=FOLDER, required=True, help="Photographs; of a large folder, only the held-out ones."
)
@click.option("--all-photos", is_flag=True, help="Use every photograph, not only the held-out ones.")
@click.option("--paintings", type=FOLDER, required=True, help="Folder with the style pictures, NAME.jpg.")
@weights_option("Folder of the loss networks' weights.")
@click.option(
    "--model", "-m", default="small", show_default=True, help="Style transformer, or its .onnx file."
)
@click.option("--trunk", type=FILE, help="Score this trunk (.safetensors) instead, with --styles-dir.")
@click.option("--styles-dir", type=FOLDER, help="Folder of the style vectors of --trunk.")
@click.option("--against", type=FOLDER, help="Score existing pictures instead: DIR/STYLE/PHOTO.png.")
@number_option("strength")
@number_option("keep_salient")
@click.option("--frames", type=FOLDER, help="Folder of clips (frames, or frames with .flo): warping error.")
@click.option("--flow", default="auto", show_default=True, metavar="auto|dis|FILE", help="Flow of --frames.")
@click.option(
    "--long-side",
    "--size",
    "long_side_px",
    type=click.IntRange(64),
    default=384,
    show_default=True,
    help="Long side of the photographs, px.",
)
@click.option("--limit", type=click.IntRange(1), help="Use at most this many photographs.")
@click.option(
    "--write", type=click.Path(path_type=Path, file_okay=False), help="Keep photographs and paintings here."
)
@click.option(
    "--fps-size",
    default="1280x720",
    show_default=True,
    metavar="WxH|none",
    help="Width x height for frames per second, px; none: not measured.",
)
@provider_option
@threads_option
@json_option
def command(photos: Path, paintings: Path, as_json: bool, **choices: Any) -> None:
    r"""Score styles: what they took from the painting, and what they kept of the photograph.

    \b
    artrt eval --style all --photos photos/ --paintings styles/ --weights weights/ --json
    artrt eval --style udnie --photos photos/ --paintings styles/ --against other-program/
    """
    from ..export.candidate import EvaluateOptions
    from ..export.evaluate import evaluate

    with progress("judging") as advance:
        found = evaluate(photos, paintings, EvaluateOptions(**choices), report=notice, on_progress=advance)
    if as_json:
        echo_json(found.report)
    else:
        click.echo(found.table())
