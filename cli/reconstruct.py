"""`artrt reconstruct`: shows what a loss network's layers keep of a picture."""

from __future__ import annotations

from pathlib import Path

import click

from ..engine.frame import read_image, write_image
from ..engine.jobs.growing_picture import check_picture_path
from ._options import weights_option
from ._painting import TerminalPicture, losses_bar, show_option
from ._report import notice

LAYERS = "relu1_1,relu2_1,relu3_1,relu4_1,relu5_1"


@click.command(name="reconstruct")
@click.argument("kind", metavar="content|style", type=click.Choice(["content", "style"]))
@click.argument("image", metavar="IMAGE")
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(path_type=Path),
    metavar="OUT",
    help="File of the picture.",
)
@click.option("--layer", metavar="NAME", help="Layer for content; relu4_1 by default.")
@click.option("--layers", metavar="A,B,...", help="Layers for style; all five by default.")
@click.option(
    "--grid", "as_grid", is_flag=True, help="One row: the picture, then the reconstruction of each layer."
)
@click.option(
    "--size",
    "--long-side",
    "size",
    default=256,
    show_default=True,
    metavar="LONG",
    help="Long side of the pictures, px.",
)
@click.option("--steps", default=200, show_default=True, metavar="N", help="Steps per picture.")
@click.option(
    "--tv", type=click.FloatRange(0), default=0.5, show_default=True, metavar="W", help="Smoothness."
)
@click.option(
    "--loss-network",
    default="auto",
    show_default=True,
    metavar="wide|compact|vgg19|small|FILE",
    help="Loss network; auto uses the first of wide, compact and vgg19 that is on this machine.",
)
@weights_option("Folder of the loss network's weights, searched before the cache.", name="weights_dir")
@show_option
@click.option("--seed", default=0, show_default=True, metavar="N", help="Seed of all random choices.")
@click.option("--device", default="cpu", show_default=True, metavar="cpu|cuda", help="Where it is computed.")
def command(
    kind: str,
    image: str,
    output: Path,
    layer: str | None,
    layers: str | None,
    as_grid: bool,
    size: int,
    steps: int,
    tv: float,
    loss_network: str,
    weights_dir: Path | None,
    show: bool,
    seed: int,
    device: str,
) -> None:
    r"""Show what a layer keeps of a picture's content, or the texture described by its style statistics.

    \b
    artrt reconstruct content photo.jpg --layer relu4_1 -o content.png
    artrt reconstruct style starry-night.jpg -o texture.png
    artrt reconstruct style starry-night.jpg --grid -o row.png
    """
    from ..models.painting.networks import checked_device, named_loss_network
    from ..models.painting.objective import Networks
    from ..models.painting.reconstruction import ReconstructionOptions, grid, reconstruct, row
    from ..models.tensors import image_from_tensor, resized, size_with_long_side, tensor_from_image

    chosen = layers or layer or ("relu4_1" if kind == "content" and not as_grid else LAYERS)
    options = ReconstructionOptions(
        layers=tuple(part.strip() for part in chosen.split(",")),
        size_px=size,
        steps=steps,
        tv=tv,
        seed=seed,
        device=device,
    )
    picture = read_image(image)
    check_picture_path(output)
    shown = TerminalPicture() if show else None
    network = named_loss_network(loss_network, directory=weights_dir).to(checked_device(device))
    notice(f"loss network {network.name} on {device}")
    networks, results = Networks(network), {}
    walk = grid(kind, picture, options, networks=networks) if as_grid else (
        (chosen, step) for step in reconstruct(kind, picture, options, networks=networks)
    )  # fmt: skip
    with losses_bar(output.name, shown) as advance:
        for name, step in walk:
            advance(step)
            results[name] = step
    images = [step.image for step in results.values()]
    if as_grid:
        small = resized(
            tensor_from_image(picture), size_with_long_side(picture.shape[0], picture.shape[1], size)
        )
        images.insert(0, image_from_tensor(small))
    write_image(output, row(images))
    click.echo(f"{output}  {', '.join(results)}")
