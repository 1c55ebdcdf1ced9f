"""`artrt train trunk`: trains a trunk and its styles together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..engine.errors import UsageError
from ._options import Command, gathered, json_option
from ._report import echo_json, notice
from ._training import (
    INTERRUPTED,
    TrainingArguments,
    parse_factors,
    stoppable,
    tell_undecodable,
    training_bar,
    training_options,
)

if TYPE_CHECKING:
    from ..models.training.options import TermWeights

PICTURE = click.Path(path_type=Path)
#: Weight of the temporal term, which a trunk needs and a style vector hardly influences.
TEMPORAL = 0.04


def painting_options(function: Command) -> Command:
    """Adds the factors of single paintings; the command gets them as one `factors`, texts by field."""
    return gathered(
        "factors",
        dict,
        click.option(
            "--style-scale",
            multiple=True,
            metavar="NAME=F",
            help="Factor for --style-size for one painting; larger gives larger strokes.",
        ),
        click.option(
            "--content-scale",
            multiple=True,
            metavar="NAME=F",
            help="Factor for the content weight for one painting.",
        ),
        click.option(
            "--style-share",
            multiple=True,
            metavar="NAME=N",
            help="How often one painting is used in each round of the styles.",
        ),
    )(function)


def encoder_options(function: Command) -> Command:
    """Adds the options of the style encoder; the command gets them as one `encoder`, values by field."""
    return gathered(
        "encoder",
        dict,
        click.option(
            "--encoder-paintings",
            multiple=True,
            type=click.Path(path_type=Path, file_okay=False, exists=True),
            help="Folder of many paintings, to train a style encoder, which computes the style of any picture.",
        ),
        click.option(
            "--encoder-batch",
            type=click.IntRange(1),
            default=2,
            show_default=True,
            help="Additional photographs per step, painted in the encoder's styles.",
        ),
        click.option(
            "--encoder-alone",
            is_flag=True,
            help="Train only the style encoder, with the trunk and the styles of --start as they are.",
        ),
    )(function)


@click.command(name="trunk")
@click.argument("paintings", nargs=-1, required=True, type=PICTURE, metavar="PAINTING...")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), required=True, help="Folder of the training."
)
@click.option(
    "--start",
    "warm_start",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Checkpoint of another training to start from; its trunk may be smaller, its paintings may differ.",
)
@click.option("--config", default="small", show_default=True, help="small or base.")
@painting_options
@encoder_options
@click.option(
    "--steps", type=click.IntRange(1), default=40000, show_default=True, help="Number of steps in all."
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(0, min_open=True),
    default=2e-3,
    show_default=True,
    help="Largest learning rate.",
)
@training_options
@json_option
@click.pass_context
def command(
    context: click.Context,
    paintings: tuple[Path, ...],
    output: Path,
    warm_start: Path | None,
    config: str,
    factors: dict[str, tuple[str, ...]],
    encoder: dict[str, Any],
    steps: int,
    learning_rate: float,
    training: TrainingArguments,
    as_json: bool,
) -> int:
    r"""Train a trunk and the styles of PAINTINGs together; each style is named after its file.

    Ctrl-C stops after the current step; the same command continues from there. At the end, -o contains zoo/, a folder
    for $ARTRT_ZOO.

    \b
    artrt train trunk paintings/*.jpg --photos photos/ -o run --steps 20000 --weight cam=0.1
    """
    from ..export.zoo_from_checkpoint import zoo_from_checkpoint
    from ..models.training.checkpoint import CHECKPOINT_FILE
    from ..models.training.options import TrainingOptions
    from ..models.training.trainer import Trainer, prepare_photographs

    if encoder["encoder_alone"] and warm_start is None:
        raise UsageError("--encoder-alone needs a trained trunk: --start CHECKPOINT")
    names = _named(paintings)
    options = TrainingOptions(
        paintings=names,
        photographs=training.photos,
        output=output,
        config=_known(config),
        loss_network=training.loss_network or TrainingOptions.loss_network,
        steps=steps,
        learning_rate=learning_rate,
        **training.settings(losses=_losses(training), ramp="2000:2000"),
        **_factors(factors, names=names),
        **encoder,
    )
    checkpoint = output / CHECKPOINT_FILE
    photographs = prepare_photographs(options)
    tell_undecodable(photographs.skipped)
    resume = checkpoint if checkpoint.is_file() else None
    if resume and warm_start:
        notice(f"continues from {resume}; --start is used only with an empty folder")
    trainer = Trainer(options, resume=resume, warm_start=warm_start)
    with stoppable() as stop, training_bar("training") as report:
        for step in trainer.run(photographs, stop=stop):
            report(step)
    if trainer.step < steps:
        notice(f"stopped at step {trainer.step} of {steps}; the same command continues from {checkpoint}")
        context.exit(INTERRUPTED)
    folder = zoo_from_checkpoint(checkpoint, output / "zoo").parent
    if as_json:
        echo_json({"steps": trainer.step, "zoo": str(folder), "styles": list(names)})
    else:
        click.echo(f"{folder}: {len(names)} styles after {trainer.step} steps")
    return 0


def _known(config: str) -> str:
    from ..models.networks.transformer import CONFIGS

    if config not in CONFIGS:
        raise UsageError(f"--config {config}: known are {', '.join(CONFIGS)}")
    return config


def _losses(training: TrainingArguments) -> TermWeights:
    """The weights of the shipped trunk."""
    from ..export.style_from_painting import default_losses

    return replace(default_losses(training.weights_dir), temporal=TEMPORAL)


def _named(paintings: Sequence[Path]) -> dict[str, Path]:
    """The paintings by the names of their styles."""
    names = {path.stem: path for path in paintings}
    if len(names) < len(paintings):
        raise UsageError("two paintings have the same file name; a style is named after its file")
    return names


def _factors(texts: Mapping[str, tuple[str, ...]], *, names: Iterable[str]) -> dict[str, Any]:
    """The factors of single paintings as fields of `TrainingOptions`."""
    parsed: dict[str, Any] = {
        field: parse_factors(given, option=f"--{field.replace('_', '-')}", names=names)
        for field, given in texts.items()
    }
    return parsed | {"style_share": _whole(parsed["style_share"])}


def _whole(factors: dict[str, float]) -> dict[str, int]:
    for name, factor in factors.items():
        if not factor.is_integer():
            raise UsageError(f"--style-share {name}={factor:g}: expected a whole number")
    return {name: int(factor) for name, factor in factors.items()}
