"""Loads the networks that the loss weights of a painting need."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ...engine.errors import InputError, UsageError
from ..networks.localization import load_localization_network
from ..networks.loss_networks import LossNetwork, load_loss_network
from ..networks.pretrained import CATALOGUE, locate
from ..networks.saliency import SaliencyNetwork, load_saliency_network
from .objective import LossWeights, Networks

#: Loss networks for `auto`: the first one on this machine is used.
AUTO = ("wide", "compact", "vgg19")
SALIENCY_FILE = "saliency.safetensors"
ZOO = Path(__file__).resolve().parents[1] / "zoo"


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
        loss_network: `compact`, `compact-encoder`, `wide`, `vgg19`, `vgg16`, a file of weights, or `auto`.
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
    return Networks(loss, localization, _saliency(weights, directory, target))


def _saliency(
    weights: LossWeights, directory: str | os.PathLike[str] | None, device: torch.device
) -> Callable[[Tensor], Tensor] | None:
    """The saliency function: required by the shape term, optional for the content term."""
    if weights.shape == 0 and weights.content == 0:
        return None
    try:
        return saliency_masks(directory, device)
    except InputError:
        if weights.shape > 0:
            raise
        return None


def named_loss_network(name: str = "auto", *, directory: str | os.PathLike[str] | None = None) -> LossNetwork:
    """Loads a loss network by name, from any known folder, or by the path of its weights.

    Raises:
        UsageError: Unknown name.
        InputError: Its files are not on this machine.
    """
    if name == "auto":
        return _first_present(directory)
    if name not in (*CATALOGUE, "compact-encoder") or name.startswith("squeezenet"):
        return load_loss_network(name, directory=None if directory is None else Path(directory))
    paths = locate("compact" if name == "compact-encoder" else name, directory=directory)
    if name.startswith("vgg"):
        network = load_loss_network(str(paths[0]))
        network.name = name
        return network
    return load_loss_network(name, directory=paths[0].parent)


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


def _first_present(directory: str | os.PathLike[str] | None) -> LossNetwork:
    missing = None
    for name in AUTO:
        try:
            return named_loss_network(name, directory=directory)
        except InputError as error:
            missing = error
    raise InputError(
        f"no loss network is on this machine, neither {' nor '.join(AUTO)}; {missing}"
    ) from missing


def saliency_masks(
    directory: str | os.PathLike[str] | None, device: torch.device
) -> Callable[[Tensor], Tensor]:
    """Returns a differentiable function from RGB [N, 3, H, W] in [0, 1] to masks [N, h, w] in [0, 1].

    Raises:
        InputError: The saliency network's weights are neither in the folder nor in the zoo.
    """
    folders = [ZOO] if directory is None else [Path(directory), ZOO]
    present = [folder / SALIENCY_FILE for folder in folders if (folder / SALIENCY_FILE).is_file()]
    if not present:
        raise InputError(
            f"the shape term needs the saliency network, {SALIENCY_FILE}, in {' or '.join(map(str, folders))}: "
            "train one with `artrt train saliency`, or leave the term out"
        )
    network = load_saliency_network(present[0])[0].requires_grad_(False).to(device)
    return lambda image: differentiable_mask(network, image)


def differentiable_mask(network: SaliencyNetwork, image: Tensor) -> Tensor:
    """The saliency mask [N, h, w] in [0, 1] of RGB [N, 3, H, W] in [0, 1], differentiable by the picture."""
    size = network.config.grid(image.shape[2], image.shape[3])
    image = image.float()  # antialiased resizing of bfloat16 is missing on CPUs
    seen = F.interpolate(image, size=size, mode="bilinear", align_corners=False, antialias=True)
    logits, _ = network(seen)
    mask: Tensor = torch.sigmoid(logits)[:, 0]
    return mask
