"""`artrt train trunk`: trains a trunk and its styles together."""

from __future__ import annotations

from pathlib import Path

import click

from ..engine.errors import UsageError
from ._common import echo_json, json_option, notice
from ._training import (
    INTERRUPTED,
    parse_factors,
    parse_ramp,
    parse_weights,
    stoppable,
    training_bar,
    training_options,
)

PICTURE = click.Path(path_type=Path)


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
@click.option(
    "--style-scale",
    "style_scales",
    multiple=True,
    metavar="NAME=F",
    help="Factor for --style-size for one painting; larger gives larger strokes.",
)
@click.option(
    "--content-scale",
    "content_scales",
    multiple=True,
    metavar="NAME=F",
    help="Factor for the content weight for one painting.",
)
@click.option(
    "--style-share",
    "style_shares",
    multiple=True,
    metavar="NAME=N",
    help="How often one painting is used in each round of the styles.",
)
@click.option(
    "--encoder-paintings",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of many paintings, to train a style encoder, which computes the style of any picture.",
)
@click.option(
    "--encoder-batch",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="Additional photographs per step, painted in the encoder's styles.",
)
@click.option(
    "--encoder-alone",
    is_flag=True,
    help="Train only the style encoder, with the trunk and the styles of --start as they are.",
)
@click.option("--steps", type=click.IntRange(1), default=40000, show_default=True)
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), default=2e-3, show_default=True)
@training_options
@json_option
@click.pass_context
def command(
    context: click.Context,
    paintings: tuple[Path, ...],
    output: Path,
    warm_start: Path | None,
    config: str,
    style_scales: tuple[str, ...],
    content_scales: tuple[str, ...],
    style_shares: tuple[str, ...],
    encoder_paintings: tuple[Path, ...],
    encoder_batch: int,
    encoder_alone: bool,
    steps: int,
    learning_rate: float,
    photos: Path,
    directory: Path | None,
    weights: tuple[str, ...],
    statistics: str,
    batch: int,
    crop: int,
    loss_network: str | None,
    ramp: str | None,
    style_size: int,
    seed: int,
    device: str,
    as_json: bool,
) -> int:
    r"""Train a trunk and the styles of PAINTINGs together; each style is named after its file.

    Ctrl-C stops after the current step; the same command continues from there. At the end, -o contains zoo/, a folder
    for $ARTRT_ZOO.

    \b
    artrt train trunk paintings/*.jpg --photos photos/ -o run --steps 20000 --weight cam=0.25 --weight category=0.006
    """
    from ..export.zoo_from_checkpoint import zoo_from_checkpoint
    from ..models.networks.transformer import CONFIGS
    from ..models.training.checkpoint import CHECKPOINT_FILE
    from ..models.training.options import TermWeights, TrainingOptions
    from ..models.training.trainer import Trainer, prepare_photographs

    if config not in CONFIGS:
        raise UsageError(f"--config {config}: known are {', '.join(CONFIGS)}")
    names = {path.stem: path for path in paintings}
    if len(names) < len(paintings):
        raise UsageError("two paintings have the same file name; a style is named after its file")
    if encoder_alone and warm_start is None:
        raise UsageError("--encoder-alone needs a trained trunk: --start CHECKPOINT")
    start, length = parse_ramp(ramp)
    options = TrainingOptions(
        paintings=names,
        photographs=photos,
        output=output,
        weights_directory=directory,
        config=config,
        loss_network=loss_network or TrainingOptions.loss_network,
        steps=steps,
        batch=batch,
        crop_px=crop,
        learning_rate=learning_rate,
        losses=parse_weights(weights, TermWeights()),
        ramp_start=start,
        ramp_steps=length,
        style_long_side_px=style_size,
        style_statistics=statistics,
        style_scale=parse_factors(style_scales, option="--style-scale", names=names),
        content_scale=parse_factors(content_scales, option="--content-scale", names=names),
        style_share=_whole(parse_factors(style_shares, option="--style-share", names=names)),
        encoder_paintings=encoder_paintings,
        encoder_batch=encoder_batch,
        encoder_alone=encoder_alone,
        seed=seed,
        device=device,
    )
    checkpoint = output / CHECKPOINT_FILE
    photographs = prepare_photographs(options)
    for path in photographs.skipped:
        notice(f"skipped {path}: it cannot be decoded")
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
    manifest = zoo_from_checkpoint(checkpoint, output / "zoo")
    facts = {"steps": trainer.step, "zoo": str(manifest.parent), "styles": list(names)}
    if as_json:
        echo_json(facts)
    else:
        click.echo(f"{manifest.parent}: {len(names)} styles after {trainer.step} steps")
    return 0


def _whole(factors: dict[str, float]) -> dict[str, int]:
    for name, factor in factors.items():
        if not factor.is_integer():
            raise UsageError(f"--style-share {name}={factor:g}: expected a whole number")
    return {name: int(factor) for name, factor in factors.items()}
