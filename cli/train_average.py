"""`artrt train average`: averages two checkpoints of a trunk."""

from __future__ import annotations

from pathlib import Path

import click

FILE = click.Path(path_type=Path)


@click.command(name="average")
@click.argument("first", type=FILE)
@click.argument("second", type=FILE)
@click.option("--output", "-o", type=FILE, required=True, help="The new checkpoint.")
@click.option(
    "--share",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="How much of the second checkpoint to take.",
)
@click.option(
    "--contrast",
    type=click.FloatRange(0.5, 2),
    default=1.0,
    show_default=True,
    help="Factor on the contrast; averages are paler.",
)
def command(first: Path, second: Path, output: Path, share: float, contrast: float) -> None:
    r"""Average the weights of two checkpoints with the same styles, one of which went on from the other.

    \b
    artrt train average before/checkpoint.pt run/checkpoint.pt -o average.pt --share 0.7 --contrast 1.14
    artrt train publish average.pt -o zoo
    """
    from ..models.training.averaging import average_checkpoints

    click.echo(str(average_checkpoints(first, second, output, share=share, contrast=contrast)))
