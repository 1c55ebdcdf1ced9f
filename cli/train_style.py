"""`artrt train style`: a new style for a trunk that is trained already."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from ..engine.errors import UsageError
from ._common import echo_json, json_option, notice
from ._training import INTERRUPTED, parse_ramp, parse_weights, stoppable, training_bar, training_options

DEFAULT_MINUTES = 20.0
LOSS_NETWORK = "auto"  # the best that is on this machine
WEIGHTS = {"content": 0.1, "cam": 0.05}


@click.command(name="style")
@click.argument("painting", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="Name of the style.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), required=True, help="The .safetensors to write."
)
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="Time to take.  [default: 20]")
@click.option("--steps", type=click.IntRange(1), help="Steps to take, instead of a time.")
@click.option(
    "--model", "-m", default="small", show_default=True, help="Trunk of the zoo, or its .safetensors."
)
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), default=2e-2, show_default=True)
@training_options
@json_option
@click.pass_context
def command(
    context: click.Context,
    painting: Path,
    name: str,
    output: Path,
    minutes: float | None,
    steps: int | None,
    model: str,
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
    r"""Train the vector of PAINTING against a frozen trunk; the file runs at once in every export of that trunk.

    Checkpoints lie in OUTPUT.training/; Ctrl-C writes the style as far as it got.

    \b
    artrt train style irises.jpg --name irises --photos photos/ -o irises.safetensors --minutes 20
    """
    import torch

    from ..engine.zoo.style import SUFFIX, save_style
    from ..engine.zoo.zoo import Zoo
    from ..export.zoo_from_checkpoint import style_of
    from ..models.style_training import train_style
    from ..models.training import prepare_photographs
    from ..models.training_options import LossWeights, TrainingOptions
    from ..models.transformer import load_trunk

    if minutes is not None and steps is not None:
        raise UsageError("--minutes and --steps contradict each other: give one of them")
    if output.suffix != SUFFIX:
        raise UsageError(f"-o {output}: a style file ends in {SUFFIX}")
    zoo = Zoo()
    trunk = load_trunk(Path(model) if model.endswith(SUFFIX) else zoo.path(f"trunk-{model}{SUFFIX}"))
    key = trunk.trunk_hash()
    known = {n: style.vector for n in zoo.styles() if (style := zoo.style(n)).trunk == key}
    start, length = parse_ramp(ramp or "50:100")
    options = TrainingOptions(
        paintings={name: painting},
        photographs=photos,
        output=output.with_suffix(".training"),
        weights_directory=directory,
        config=trunk.config.name,
        loss_network=loss_network or LOSS_NETWORK,
        steps=steps or 1,
        batch=batch,
        crop_px=crop,
        learning_rate=learning_rate,
        vector_rate=1.0,
        style_statistics=statistics,
        losses=parse_weights(weights, LossWeights(**WEIGHTS)),
        ramp_start=start,
        ramp_steps=length,
        style_long_side_px=style_size,
        ema=0.99,
        seed=seed,
        device=device,
    )
    photographs = prepare_photographs(options)
    for path in photographs.skipped:
        notice(f"skipped {path}: it cannot be decoded")
    with stoppable() as stop, training_bar(name) as report:
        vector, trainer = train_style(
            options,
            trunk=trunk,
            known={n: torch.from_numpy(vector) for n, vector in known.items()},
            photographs=photographs,
            minutes=minutes or (None if steps else DEFAULT_MINUTES),
            on_progress=report,
            stop=stop,
        )
    training = {"kind": "vector", "steps": trainer.step, "losses": asdict(options.losses)}
    training |= {
        "style_long_side_px": style_size,
        "loss_network": trainer.objective.loss_network.name,
        "painting": painting.name,
    }
    terms = trainer.last_terms
    save_style(output, style_of(name, vector.numpy(), trunk=key, training=training, losses=terms))
    if as_json:
        echo_json({"style": str(output), "steps": trainer.step, "terms": terms})
    else:
        shown = json.dumps({term: round(value, 3) for term, value in terms.items()})
        click.echo(f"{output}: {trainer.step} steps, {shown}")
    if trainer.step < trainer.options.steps:
        context.exit(INTERRUPTED)
    return 0
