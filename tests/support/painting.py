"""Small random networks with the shape of the real ones, for tests of painting."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from artrt.models.networks.localization import LocalizationNetwork
from artrt.models.networks.loss_networks import Encoder, LossNetwork
from artrt.models.painting.objective import Networks

VGG19 = ((1, 2), (2, 2), (3, 4), (4, 4), (5, 1))


def tiny_loss_network(channels=4, *, seed=0, dtype=torch.float32) -> LossNetwork:
    """VGG-19 to relu5_1 with a few channels and random weights that neither fade nor grow."""
    generator = torch.Generator().manual_seed(seed)
    weights = {"conv0.weight": torch.eye(3)[:, :, None, None], "conv0.bias": torch.zeros(3)}
    before = 3
    for stage, count in VGG19:
        for index in range(1, count + 1):
            scale = (2 / (9 * before)) ** 0.5
            shape = (channels, before, 3, 3)
            weights[f"conv{stage}_{index}.weight"] = torch.randn(shape, generator=generator) * scale
            weights[f"conv{stage}_{index}.bias"] = torch.full((channels,), 0.1)
            before = channels
    encoder = Encoder(weights).to(dtype)
    layers = tuple(name.replace("conv", "relu") for name in encoder.names)
    return LossNetwork("tiny", [(encoder, layers)])


def tiny_networks(*, localized=False, seed=0) -> Networks:
    """A tiny loss network, with a random SqueezeNet where the region term is wanted."""
    localization = None
    if localized:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            localization = _lively(LocalizationNetwork()).requires_grad_(False).eval()
    return Networks(tiny_loss_network(seed=seed), localization)


def _lively(network: LocalizationNetwork) -> LocalizationNetwork:
    """Weights under which signals neither fade nor grow, so that classes differ."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            torch.nn.init.kaiming_normal_(parameter)
    return network


def torchvision_vgg(path: Path, convolutions: str, *, channels=None, classifier=True) -> Path:
    """A state dict with torchvision's key names and shapes, random; `channels` makes it narrow.

    Args:
        path: File to write.
        convolutions: "vgg19" or "vgg16".
        channels: Channels of every layer; the real ones when None.
        classifier: Add the fully connected layers (zeros that take no room).
    """
    counts = {"vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3)}[convolutions]
    state, index, before = {}, 0, 3
    generator = torch.Generator().manual_seed(0)
    for count, width in zip(counts, (64, 128, 256, 512, 512), strict=True):
        for _ in range(count):
            width = channels or width
            state[f"features.{index}.weight"] = (
                torch.randn(width, before, 3, 3, generator=generator) * (2 / (9 * before)) ** 0.5
            )
            state[f"features.{index}.bias"] = torch.zeros(width)
            before, index = width, index + 2
        index += 1  # the pooling
    for number, shape in ((0, (4096, 25088)), (3, (4096, 4096)), (6, (1000, 4096))) if classifier else ():
        state[f"classifier.{number}.weight"] = torch.zeros(1).expand(shape)
        state[f"classifier.{number}.bias"] = torch.zeros(1).expand(shape[0])
    torch.save(state, path)
    return path


def random_squeezenet(folder: Path) -> Path:
    """SqueezeNet 1.1 with random weights under its file name in `folder`."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = _lively(LocalizationNetwork())
    path = folder / "squeezenet1_1.safetensors"
    save_file(network.state_dict(), path)
    return path
