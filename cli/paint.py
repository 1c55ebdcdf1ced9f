"""`artrt paint`: paints one picture by optimisation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..engine.errors import UsageError
from ..engine.frame import read_image
from ..engine.jobs.growing_picture import GrowingPicture, check_picture_path, state_path
from ._options import Command, Option, gathered, json_option, weights_option
from ._painting import TerminalPicture, losses_bar, losses_text, no_region_term, numbers, show_option
from ._report import echo_json, notice

if TYPE_CHECKING:
    from ..engine.frame import Image
    from ..models.painting.options import PaintOptions
    from ..models.painting.painting import PaintProgress
    from ..models.painting.state import PaintState

#: Weight of `--match` without a number.
MATCH_WEIGHT = 1.0
_FILE = click.Path(path_type=Path)


def weight_options(function: Command) -> Command:
    """Adds the weights of the losses; the command gets those that were given as one `given`."""

    def weight(name: str, text: str, metavar: str = "W", **how: Any) -> Option:
        return click.option(f"--{name}", type=click.FloatRange(0), metavar=metavar, help=text, **how)

    match = {"is_flag": False, "flag_value": MATCH_WEIGHT}
    return gathered(
        "given",
        dict,
        weight("style-weight", "Weight of the style's statistics (10 by default)."),
        weight("content-weight", "Weight of the photograph's features (0.65 by default)."),
        weight("salient", "Additional weight of the content in salient regions; 4 by default.", "N"),
        weight(
            "match",
            "Transfer whole strokes by nearest neighbours at the last size (off by default).",
            "[W]",
            **match,
        ),
        weight("region", "Keep the subject recognisable (0.2 by default)."),
        weight("edge", "Keep outlines (off by default)."),
        weight("shape", "Keep the salient shape (off by default)."),
        weight("color", "Keep the placement of colours (off by default)."),
        weight("tv", "Smoothness (5 by default)."),
    )(function)


@click.command(name="paint")
@click.argument("content", metavar="CONTENT")
@click.argument("styles", nargs=-1, required=True, metavar="STYLE...")
@click.option("--output", "-o", required=True, type=_FILE, metavar="OUT", help="File of the painting.")
@click.option(
    "--size",
    "--long-side",
    "size_px",
    default=512,
    show_default=True,
    metavar="LONG",
    help="Long side of the painting, px.",
)
@click.option("--steps", default=200, show_default=True, metavar="N", help="Total steps over all sizes.")
@click.option("--style-weights", metavar="A,B,...", help="Share of each style; equal by default.")
@click.option(
    "--style-scale", default=1.0, show_default=True, metavar="F", help="Larger gives larger strokes."
)
@weight_options
@click.option(
    "--init", metavar="stylized[:STYLE]|photo|noise|blur|style",
    help="Start picture; stylized: what the feed-forward network paints in these styles, or in STYLE (the default; "
    "photo without ONNX Runtime).",
)  # fmt: skip
@click.option(
    "--optimizer",
    type=click.Choice(["lbfgs", "adam"]),
    default="adam",
    show_default=True,
    help="Optimiser of the pixels.",
)
@click.option(
    "--loss-network", default="auto", show_default=True, metavar="wide|compact|vgg19|vgg16|small|FILE",
    help="Loss network; auto uses the first of wide, compact and vgg19 that is on this machine.",
)  # fmt: skip
@weights_option("Folder of the loss networks' weights, searched before the cache.", name="weights_dir")
@click.option(
    "--mask", type=_FILE, metavar="FILE", help="One grey level per style, the darkest for the first."
)
@click.option(
    "--style-mask", "style_masks", type=_FILE, multiple=True, metavar="FILE",
    help="White where a style is used; once per style, in the same order.",
)  # fmt: skip
@click.option(
    "--preserve-color", type=click.Choice(["luminance", "histogram"]), help="Keep the photo's colours."
)
@click.option(
    "--tile",
    "tile_px",
    is_flag=False,
    flag_value=384,
    default=0,
    metavar="[PX]",
    help="Paint in tiles of this side, px; 384 without a number (off by default).",
)
@click.option("--seed", default=0, show_default=True, metavar="N", help="Seed of all random choices.")
@click.option("--preview", type=_FILE, metavar="FILE", help="Picture to rewrite every few seconds.")
@show_option
@click.option("--history", type=_FILE, metavar="FILE", help="Video of all steps.")
@click.option("--resume", is_flag=True, help="Continue an interrupted painting.")
@click.option("--device", default="cpu", show_default=True, metavar="cpu|cuda", help="Where it is computed.")
@click.option(
    "--precision", type=click.Choice(["auto", "float32", "bfloat16"]), default="auto", show_default=True,
    help="Precision of the loss network; auto uses bfloat16 if the hardware supports it.",
)  # fmt: skip
@json_option
def command(
    content: str,
    styles: tuple[str, ...],
    output: Path,
    given: dict[str, float | None],
    init: str | None,
    loss_network: str,
    weights_dir: Path | None,
    mask: Path | None,
    style_masks: tuple[Path, ...],
    preview: Path | None,
    show: bool,
    history: Path | None,
    resume: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    r"""Paint one picture by optimisation, in one or several styles: slow, high quality.

    \b
    artrt paint photo.jpg starry-night.jpg -o painting.png
    artrt paint photo.jpg starry-night.jpg -o painting.png --size 1024 --match
    artrt paint photo.jpg wave.jpg scream.jpg -o painting.png --style-mask sky.png --style-mask ground.png
    """
    from ..models.painting.networks import load_networks
    from ..models.painting.painting import paint
    from ..models.tensors import size_with_long_side

    init, _, init_style = (init or _usual_init()).partition(":")
    for path in (output, *([preview] if preview else [])):
        check_picture_path(path)
    options = _options(given, directory=weights_dir, init=init, **settings)
    photo, paintings = read_image(content), [read_image(style) for style in styles]
    picture = TerminalPicture() if show else None
    networks = load_networks(
        options.weights, loss_network=loss_network, directory=weights_dir, device=options.device
    )
    notice(f"loss network {networks.loss.name} on {options.device}, in {_precision(options)}")
    state = _state(output, options) if resume else None
    starts_in = init_style if init == "stylized" and state is None else ""
    walk = paint(
        photo,
        paintings,
        options,
        networks=networks,
        mask=_masks(mask, style_masks),
        initial=_stylized(photo, starts_in) if starts_in else None,
        resume=state,
    )
    finished = size_with_long_side(photo.shape[0], photo.shape[1], options.size_px)
    growing = GrowingPicture(output, size=finished, preview=preview, history=history)
    last = _watched(walk, output, growing, picture)
    if as_json:
        echo_json({"output": str(output), "seconds": last.seconds, "total": last.best, "terms": last.terms})
    else:
        click.echo(f"{output}  {finished[1]}x{finished[0]}  {last.seconds:.1f} s  {losses_text(last)}")


def _options(
    given: dict[str, float | None],
    *,
    directory: Path | None,
    style_weights: str | None,
    precision: str,
    **settings: Any,
) -> PaintOptions:
    """The options of the painting; without `--region`, its term needs SqueezeNet on this machine."""
    from ..models.painting.networks import installed_weights
    from ..models.painting.objective import SALIENT_SHARE
    from ..models.painting.options import DEFAULT_WEIGHTS, PaintOptions

    salient = given.pop("salient")
    options = PaintOptions(
        weights=DEFAULT_WEIGHTS.changed(
            {name.removesuffix("_weight"): value for name, value in given.items()}
        ),
        salient_share=SALIENT_SHARE if salient is None else salient,
        style_weights=numbers(style_weights, "style weights"),
        bfloat16=None if precision == "auto" else precision == "bfloat16",
        **settings,
    )
    if given["region"] is not None:
        return options
    installed = installed_weights(options.weights, directory=directory)
    if installed.region == 0:
        no_region_term()
    return replace(options, weights=installed)


def _watched(
    walk: Iterable[PaintProgress], output: Path, growing: GrowingPicture, picture: TerminalPicture | None
) -> PaintProgress:
    """Shows the steps and saves their pictures; prints a notice if the painting is interrupted."""
    from ..models.painting.painting import DivergedError

    last: PaintProgress | None = None
    try:
        with losses_bar(output.name, picture) as advance, growing:
            for last in walk:
                advance(last)
                growing.add(last.image, save_state=last.state.save)
    except BaseException as error:
        if isinstance(error, DivergedError):  # a continued painting would diverge again
            growing.forget_state()
        if last is not None:
            more = "" if isinstance(error, DivergedError) else "; continue with the same command and --resume"
            notice(f"{output} has the best picture up to step {last.step} of {last.steps}{more}")
        raise
    assert last is not None
    return last


def _state(output: Path, options: PaintOptions) -> PaintState:
    from ..models.painting.state import load_state

    path = state_path(output)
    if not path.is_file():
        raise UsageError(f"there is nothing to resume: {path} does not exist")
    state = load_state(path)
    state.check(options)
    return state


def _precision(options: PaintOptions) -> str:
    from ..models.painting.options import comparison

    return "bfloat16" if comparison(options).half else "float32"


def _masks(mask: Path | None, style_masks: tuple[Path, ...]) -> Image | list[Image] | None:
    """The masks of the styles: one picture for all styles, one per style, or None."""
    if mask is not None and style_masks:
        raise UsageError(
            "--mask has one grey level per style, --style-mask one file per style: give one of them"
        )
    if style_masks:
        return [read_image(path) for path in style_masks]
    return None if mask is None else read_image(mask)


def _usual_init() -> str:
    """The default start; prints a notice if it is not a painting."""
    from ..models.painting.options import usual_init

    init = usual_init()
    if init == "photo":
        notice("starts from the photograph: ONNX Runtime, which reads styles, is not installed (extra: cpu)")
    return init


def _stylized(photo: Image, style: str) -> Image:
    """The feed-forward result to start from."""
    from ..engine.looks.stylizer import Stylizer

    with Stylizer(style) as stylizer:
        return stylizer(photo)
