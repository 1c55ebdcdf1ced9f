"""`artrt train style`: trains a new style for a trained trunk."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..engine.errors import UsageError
from ..engine.zoo.style import SUFFIX
from ._options import gathered, json_option
from ._report import echo_json, notice
from ._training import (
    INTERRUPTED,
    TrainingArguments,
    stoppable,
    tell_undecodable,
    training_bar,
    training_options,
)

DEFAULT_MINUTES = 20.0
LOSS_NETWORK = "auto"  # the best available on this machine


@click.command(name="style")
@click.argument("painting", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="Name of the style.")
@gathered(
    "about",
    dict,
    click.option("--title", default="", help="Title of the painting."),
    click.option("--artist", default="", help="Artist of the painting."),
    click.option("--year", default="", help="Year of the painting."),
    click.option("--licence", default="", help="Terms of the style file."),
)
@click.option("--output", "-o", type=click.Path(path_type=Path), required=True, help="The .safetensors file.")
@click.option(
    "--minutes", type=click.FloatRange(0, min_open=True), help="Duration of the training.  [default: 20]"
)
@click.option("--steps", type=click.IntRange(1), help="Number of steps, instead of --minutes.")
@click.option(
    "--model", "-m", default="small", show_default=True, help="Trunk of the zoo, or its .safetensors."
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(0, min_open=True),
    default=2e-2,
    show_default=True,
    help="Largest learning rate.",
)
@click.option(
    "--sample-steps",
    type=click.IntRange(1),
    default=500,
    show_default=True,
    help="Steps between sheets of samples in OUTPUT.training/.",
)
@training_options
@json_option
@click.pass_context
def command(
    context: click.Context,
    painting: Path,
    name: str,
    about: dict[str, str],
    output: Path,
    minutes: float | None,
    steps: int | None,
    model: str,
    learning_rate: float,
    sample_steps: int,
    training: TrainingArguments,
    as_json: bool,
) -> int:
    r"""Train the vector of PAINTING against a frozen trunk; the file works with every export of that trunk.

    Checkpoints are written to OUTPUT.training/; Ctrl-C writes the current style.

    \b
    artrt train style irises.jpg --name irises --photos photos/ -o irises.safetensors --minutes 20
    """
    from ..export.style_from_painting import default_losses, train_style
    from ..models.painting.networks import installed_name

    if minutes is not None and steps is not None:
        raise UsageError("--minutes and --steps contradict each other: give one of them")
    if output.suffix != SUFFIX:
        raise UsageError(f"-o {output}: a style file ends in {SUFFIX}")
    settings = training.settings(losses=default_losses(training.weights_dir), ramp="50:100")
    loss_network = installed_name(training.loss_network or LOSS_NETWORK, directory=training.weights_dir)
    notice(f"loss network {loss_network} on {training.device}")
    with stoppable() as stop, training_bar(name) as report:
        trained = train_style(
            painting,
            training.photos,
            name=name,
            model=model,
            minutes=minutes or (None if steps else DEFAULT_MINUTES),
            about=about,
            on_progress=report,
            stop=stop,
            output=output.with_suffix(".training"),
            loss_network=loss_network,
            steps=steps or 1,
            learning_rate=learning_rate,
            sample_steps=sample_steps,
            **settings,
        )
    tell_undecodable(trained.skipped)
    trained.save(output)
    if as_json:
        echo_json({"style": str(output), "steps": trained.steps, "terms": trained.style.losses})
    else:
        shown = json.dumps({term: round(value, 3) for term, value in trained.style.losses.items()})
        click.echo(f"{output}: {trained.steps} steps, {shown}")
    if not trained.finished:
        context.exit(INTERRUPTED)
    return 0
