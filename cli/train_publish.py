"""`artrt train publish`: writes a zoo folder from a checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..engine.errors import InputError

FILE = click.Path(path_type=Path)


@click.command(name="publish")
@click.argument("checkpoint", type=FILE)
@click.option("--output", "-o", type=FILE, required=True, help="The zoo folder; other files in it are kept.")
@click.option("--scores", type=FILE, help="Output of `artrt eval --json`, for the style files and the card.")
@click.option(
    "--add",
    "more",
    type=FILE,
    multiple=True,
    metavar="STYLE",
    help="A style of `artrt train style` for this trunk.",
)
def command(checkpoint: Path, output: Path, scores: Path | None, more: tuple[Path, ...]) -> None:
    r"""Write a zoo folder from a trunk's checkpoint: stage, trunk, styles, model card, manifest.

    \b
    artrt train publish run/checkpoint.pt -o zoo
    ARTRT_ZOO=zoo artrt stylize photo.jpg -o painting.jpg
    """
    from ..export.zoo_from_checkpoint import zoo_from_checkpoint

    measured, photographs = _scores(scores) if scores is not None else ({}, 0)
    manifest = zoo_from_checkpoint(
        checkpoint, output, more=more, scores=measured, scored_photographs=photographs
    )
    click.echo(str(manifest))


def _scores(path: Path) -> tuple[dict[str, dict[str, float]], int]:
    """Losses by style, and the number of photographs in the measurement."""
    try:
        report = json.loads(path.read_text())
        styles = {name: dict(values) for name, values in report["styles"].items()}
        return styles, int(report["settings"]["photographs"])
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(f"{path} is not the output of `artrt eval --json`: {error}") from error
