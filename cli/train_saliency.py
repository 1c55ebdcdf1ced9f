"""`artrt train saliency`: the network behind `--keep-salient` and `artrt saliency`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ._options import json_option, weights_option
from ._report import echo_json, progress

if TYPE_CHECKING:
    from ..models.saliency.trainer import SaliencyProgress

ENCODER_ENDS = ("fire6", "fire7", "fire8", "fire9")
FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)


@click.command(name="saliency")
@click.option("--masks", type=FOLDER, required=True, help="Folder with images/NAME.jpg and masks/NAME.png.")
@click.option(
    "--photos", "photographs", type=FOLDER, help="Photographs without masks, used by their activation maps."
)
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A trained network that computes masks for the photographs; several are averaged.",
)
@click.option("--start", type=click.Path(path_type=Path), help="A network with the same sizes to start from.")
@weights_option("Folder of SqueezeNet's weights.")
@click.option("--output", "-o", type=click.Path(path_type=Path), required=True, help="Folder of the result.")
@click.option(
    "--steps", type=click.IntRange(1), default=3000, show_default=True, help="Number of steps in all."
)
@click.option("--batch", type=click.IntRange(1), default=8, show_default=True, help="Views per step.")
@click.option(
    "--last",
    type=click.Choice(ENCODER_ENDS),
    default="fire9",
    show_default=True,
    help="Where the encoder ends in SqueezeNet.",
)
@click.option("--width", type=click.IntRange(8), default=64, show_default=True, help="Decoder channels.")
@click.option(
    "--grid", default="160x96", show_default=True, metavar="WxH", help="Input size for wide pictures."
)
@click.option(
    "--share",
    "photograph_share",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.3,
    show_default=True,
    help="Share of views from photographs without masks.",
)
@click.option(
    "--cam-weight",
    type=click.FloatRange(0),
    default=0.3,
    show_default=True,
    help="Weight of the activation maps, which --attention adds to the mask.",
)
@click.option(
    "--weight-decay",
    type=click.FloatRange(0),
    default=1e-3,
    show_default=True,
    help="Raise it for long trainings, against overfitting.",
)
@click.option(
    "--early-layers",
    is_flag=True,
    help="Also train the encoder's early layers: better with 800 pictures, but slower.",
)
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all random choices.")
@json_option
def command(
    weights: Path | None,
    output: Path,
    last: str,
    width: int,
    grid: str,
    early_layers: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    r"""Train the saliency network from masks; with the same output folder it continues.

    \b
    artrt train saliency --masks saliency/ --photos photos/ --weights weights/ -o runs/saliency
    """
    from ..engine.files import write_bytes
    from ..export.onnx_from_saliency import save_saliency_stage
    from ..export.options import parse_size
    from ..export.saliency_card import saliency_card
    from ..models.networks.pretrained import locate
    from ..models.networks.saliency import SaliencyConfig
    from ..models.saliency.options import EARLY_LAYERS, SaliencyTrainingOptions
    from ..models.saliency.trainer import train_saliency

    options = SaliencyTrainingOptions(
        localization=locate("squeezenet1_1", directory=weights)[0],
        output=output,
        config=SaliencyConfig.for_grid(*parse_size(grid), last=last, decoder=width),
        frozen=("conv1",) if early_layers else ("conv1", *EARLY_LAYERS),
        **settings,
    )
    with progress("training") as advance:

        def report(done: SaliencyProgress) -> None:
            advance(done.step, done.steps)

        network, scores = train_saliency(options, report=report)
    stage = save_saliency_stage(output / "saliency.onnx", network, scores=scores.to_dict())
    card = saliency_card(stage, config=network.config, scores=scores.to_dict(), record=options.record())
    write_bytes(output / "saliency.md", card.encode())
    if as_json:
        echo_json({"stage": str(stage), "held_out": scores.to_dict()})
        return
    click.echo(
        f"{stage}  F {scores.f_max:.3f}, mean absolute error {scores.mae:.3f} on {scores.pictures} pictures"
    )
