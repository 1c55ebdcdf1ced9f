"""`artrt train loss`: the small loss network that ships, from a larger one."""

from __future__ import annotations

from pathlib import Path

import click

from ..engine.errors import UsageError
from ..engine.zoo.style import SUFFIX
from ._options import json_option, weights_option
from ._report import echo_json, notice, progress
from ._training import INTERRUPTED, stoppable

FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)


@click.command(name="loss")
@click.option(
    "--photos", type=FOLDER, required=True, multiple=True, help="Folder of photographs; repeatable."
)
@click.option(
    "--paintings", type=FOLDER, required=True, multiple=True, help="Folder of paintings; repeatable."
)
@click.option("--teacher", default="wide", show_default=True, help="Loss network to learn from.")
@weights_option("Folder of the teacher's weights.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The .safetensors file.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    help="Duration of the training.",
)
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True, help="Pictures per step.")
@click.option("--crop", type=click.IntRange(96), default=144, show_default=True, help="Side of a crop, px.")
@click.option(
    "--learning-rate",
    type=click.FloatRange(0, min_open=True),
    default=1e-3,
    show_default=True,
    help="Largest learning rate.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all random choices.")
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@json_option
@click.pass_context
def command(
    context: click.Context,
    photos: tuple[Path, ...],
    paintings: tuple[Path, ...],
    teacher: str,
    weights: Path | None,
    output: Path,
    minutes: float,
    batch: int,
    crop: int,
    learning_rate: float,
    seed: int,
    device: str,
    as_json: bool,
) -> None:
    r"""Distil the loss network that `paint` uses when no larger one is installed; Ctrl-C writes the current one.

    \b
    artrt train loss --photos photos/ --paintings paintings/ --weights weights/ --minutes 60 -o loss-small.safetensors
    """
    from ..models.painting.networks import checked_device, named_loss_network
    from ..models.training.loss_distillation import Distillation, DistillationOptions

    if output.suffix != SUFFIX:
        raise UsageError(f"-o {output}: a loss network's file ends in {SUFFIX}")
    options = DistillationOptions(
        photographs=photos,
        paintings=paintings,
        output=output,
        seconds=60 * minutes,
        batch=batch,
        crop_px=crop,
        learning_rate=learning_rate,
        workers=0 if checked_device(device).type == "cpu" else 4,
        device=device,
        seed=seed,
    )
    work = Distillation(options, named_loss_network(teacher, directory=weights))
    terms: dict[str, float] = {}
    with stoppable() as stop, progress("training") as advance:
        for done in work.run(stop=stop):
            advance(done.seconds, options.seconds)
            terms = done.terms
        interrupted = stop()
    if as_json:
        echo_json({"network": str(output), "steps": work.step, "terms": terms})
    else:
        notice(", ".join(f"{name} {value:.3f}" for name, value in terms.items()))
        click.echo(f"{output}: {work.step} steps")
    if interrupted:
        context.exit(INTERRUPTED)
