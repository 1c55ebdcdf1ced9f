"""Reconstructs a picture from the content features of one layer, or from style statistics.

Sources: Mahendran and Vedaldi, "Understanding deep image representations by inverting them", CVPR 2015
(arXiv:1412.0035); Gatys et al., "Texture synthesis using convolutional neural networks", 2015 (arXiv:1505.07376).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ...engine.errors import UsageError, check_known
from ...engine.frame import Image, as_image
from ..networks.loss_networks import STYLE_LAYERS
from .networks import named_loss_network
from .objective import STYLE_SCALES, LossWeights, Networks
from .options import PaintOptions
from .painting import PaintProgress, paint

KINDS = ("content", "style")
GAP_PX = 8


@dataclass(frozen=True)
class ReconstructionOptions:
    """Options of a reconstruction.

    Attributes:
        layers: Layers whose features (content) or means and covariances (style) are matched.
        size_px: Long side of the picture.
        steps: Total number of steps.
        scales: Style statistics are compared at the picture's size divided by each of these numbers; coarse ones
            give strokes their size.
        tv: Weight of the total variation, against noise.
        seed: Seed of the initial noise.
        device: torch's name of the device.
    """

    layers: tuple[str, ...] = STYLE_LAYERS
    size_px: int = 256
    steps: int = 200
    scales: tuple[int, ...] = STYLE_SCALES
    tv: float = 0.5
    seed: int = 0
    device: str = "cpu"


def reconstruct(
    kind: str,
    image: Image,
    options: ReconstructionOptions | None = None,
    *,
    networks: Networks | None = None,
) -> Iterator[PaintProgress]:
    """Reconstructs a picture from noise, step by step.

    Args:
        kind: `content`: what the layers keep of the picture; `style`: the texture described by their statistics.
        image: uint8 [H, W, 3], BGR.
        options: Options of the reconstruction.
        networks: Loss network; None uses a pretrained one on this machine.

    Yields:
        A `PaintProgress` after each step.

    Raises:
        UsageError: The kind is unknown, or the network lacks a layer; the message lists its layers.
        InputError: The picture is too small, or weights are missing on this machine.
    """
    check_known("reconstruction", kind, KINDS)
    options = options or ReconstructionOptions()
    networks = networks or Networks(named_loss_network().to(options.device))
    check_layers(options.layers, networks)
    return paint(image, [image] if kind == "style" else [], _paint_options(kind, options), networks=networks)


def grid(
    kind: str,
    image: Image,
    options: ReconstructionOptions | None = None,
    *,
    networks: Networks | None = None,
) -> Iterator[tuple[str, PaintProgress]]:
    """Reconstructs for every layer of `options`: content of this layer only, or style of all layers up to it.

    Yields:
        The layer's name and a `PaintProgress`, after each step.
    """
    options = options or ReconstructionOptions()
    networks = networks or Networks(named_loss_network().to(options.device))
    check_layers(options.layers, networks)
    for index, layer in enumerate(options.layers):
        layers = options.layers[: index + 1] if kind == "style" else (layer,)
        for progress in reconstruct(kind, image, replace(options, layers=layers), networks=networks):
            yield layer, progress


def row(images: Sequence[Image]) -> Image:
    """Places pictures of one size side by side on white."""
    white = np.full((images[0].shape[0], GAP_PX, 3), 255, np.uint8)
    parts = [part for image in images for part in (image, white)][:-1]
    return as_image(cv2.hconcat(parts))


def check_layers(layers: Sequence[str], networks: Networks) -> None:
    """Checks that the loss network has these layers.

    Raises:
        UsageError: No layer is given, or one is unknown; the message lists the known layers.
    """
    known = networks.loss.layers
    if not layers:
        raise UsageError(f"no layer was given; {networks.loss.name} has {', '.join(known)}")
    for layer in layers:
        if layer not in known:
            raise UsageError(f"{networks.loss.name} has no layer '{layer}'; it has {', '.join(known)}")


def _paint_options(kind: str, options: ReconstructionOptions) -> PaintOptions:
    weights = LossWeights(tv=options.tv, **{kind: 1.0 if kind == "content" else 10.0})
    return PaintOptions(
        size_px=options.size_px,
        steps=options.steps,
        weights=weights,
        init="noise",
        optimizer="lbfgs",
        seed=options.seed,
        content_layers=options.layers if kind == "content" else (),
        normalize_content=False,
        style_layers=dict.fromkeys(options.layers if kind == "style" else (), 1.0),
        style_scales=options.scales,
        bfloat16=False,
        device=options.device,
    )
