"""Loads the networks that the loss weights of a painting need."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ...engine.errors import UsageError
from ..networks.localization import load_localization_network
from ..networks.loss_networks import SMALL, ZOO, LossNetwork, load_loss_network
from ..networks.pretrained import CATALOGUE, is_installed, locate
from ..networks.saliency import SaliencyNetwork, load_saliency_network
from ..networks.saliency_stage import network_from_stage
from .objective import LossWeights, Networks

#: Loss networks for `auto`: the first one on this machine is used; the last one ships.
AUTO = ("wide", "compact", "vgg19", SMALL)
SALIENCY_FILE = "saliency.safetensors"
SALIENCY_STAGE = "saliency.onnx"


def load_networks(
    weights: LossWeights,
    *,
    loss_network: str = "auto",
    directory: str | os.PathLike[str] | None = None,
    device: str = "cpu",
) -> Networks:
    """Loads the networks that the weights need.

    Args:
        weights: Weight of each loss.
        loss_network: `small`, `compact`, `compact-encoder`, `wide`, `vgg19`, `vgg16`, a file of weights, or `auto`.
        directory: Folder to search for weights before the caches.
        device: torch's name of the device.

    Raises:
        UsageError: Unknown loss network or device.
        InputError: A file of weights is missing; the message gives its source and target folder.
    """
    target = checked_device(device)
    loss = named_loss_network(loss_network, directory=directory).to(target)
    loss.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    localization = None
    if weights.region > 0:
        path = locate("squeezenet1_1", directory=directory)[0]
        localization = load_localization_network(path).to(target)
    looks_at_subject = weights.shape > 0 or weights.content > 0
    return Networks(loss, localization, saliency_masks(directory, target) if looks_at_subject else None)


def named_loss_network(name: str = "auto", *, directory: str | os.PathLike[str] | None = None) -> LossNetwork:
    """Loads a loss network by name, from any known folder, or by the path of its weights.

    Raises:
        UsageError: Unknown name.
        InputError: Its files are not on this machine.
    """
    name = installed_name(name, directory=directory)
    if name not in (*CATALOGUE, "compact-encoder") or name.startswith("squeezenet"):
        return load_loss_network(name, directory=None if directory is None else Path(directory))
    paths = locate("compact" if name == "compact-encoder" else name, directory=directory)
    if name.startswith("vgg"):
        network = load_loss_network(str(paths[0]))
        network.name = name
        return network
    return load_loss_network(name, directory=paths[0].parent)


def installed_name(name: str = "auto", *, directory: str | os.PathLike[str] | None = None) -> str:
    """The name of a loss network; for `auto` the first one of `AUTO` whose files are on this machine."""
    if name != "auto":
        return name
    return next(known for known in AUTO if known == SMALL or is_installed(known, directory=directory))


def installed_weights(
    weights: LossWeights, *, directory: str | os.PathLike[str] | None = None
) -> LossWeights:
    """The weights, without the region term if its network is not on this machine."""
    present = weights.region == 0 or is_installed("squeezenet1_1", directory=directory)
    return weights if present else weights.changed({"region": 0.0})


def checked_device(name: str) -> torch.device:
    """Returns a device by name, after a small test computation.

    Raises:
        UsageError: torch has no such device, or it does not work.
    """
    try:
        device = torch.device(name)
        torch.ones(1, device=device).add(1)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"torch cannot use the device '{name}': {reason}") from error
    return device


def saliency_masks(
    directory: str | os.PathLike[str] | None, device: torch.device
) -> Callable[[Tensor], Tensor]:
    """Returns a differentiable function from RGB [N, 3, H, W] in [0, 1] to masks [N, h, w] in [0, 1].

    The network is that of the folder, or the one that ships.

    Raises:
        InputError: The folder's file is not a saliency network.
    """
    own = None if directory is None else Path(directory) / SALIENCY_FILE
    if own is not None and own.is_file():
        network = load_saliency_network(own)[0]
    else:
        network = network_from_stage(ZOO / SALIENCY_STAGE)
    network.requires_grad_(False).to(device)
    return lambda image: differentiable_mask(network, image)


def differentiable_mask(network: SaliencyNetwork, image: Tensor) -> Tensor:
    """The saliency mask [N, h, w] in [0, 1] of RGB [N, 3, H, W] in [0, 1], differentiable by the picture."""
    size = network.config.grid(image.shape[2], image.shape[3])
    image = image.float()  # antialiased resizing of bfloat16 is missing on CPUs
    seen = F.interpolate(image, size=size, mode="bilinear", align_corners=False, antialias=True)
    logits, _ = network(seen)
    mask: Tensor = torch.sigmoid(logits)[:, 0]
    return mask
