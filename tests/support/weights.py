"""Weight files of the right names and layers, but few channels and random values, as a small evaluation needs them."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from artrt.models.networks.localization import SQUEEZENET_FILE, LocalizationNetwork
from artrt.models.networks.loss_networks import (
    COMPACT_FILE,
    FULL_WIDTH_FILE,
    Encoder,
    LossNetwork,
    load_loss_network,
)

_STAGES = ((1, 2), (2, 2), (3, 4), (4, 4), (5, 4))


def write_weights(folder: Path) -> Path:
    """Writes the three files that the judge reads and returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    save_file(_encoder("conv3_1", channels=6), folder / FULL_WIDTH_FILE)
    save_file(_encoder("conv5_1", channels=4), folder / COMPACT_FILE)
    squeezenet = LocalizationNetwork()
    for module in squeezenet.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight)
    save_file(squeezenet.state_dict(), folder / SQUEEZENET_FILE)
    return folder


def tiny_loss_network(folder: Path) -> LossNetwork:
    """The `compact` loss network of `write_weights`."""
    return load_loss_network("compact", directory=folder)


def tiny_teacher() -> LossNetwork:
    """Two encoders that divide the layers as those of `wide` do, with few channels and random values."""
    torch.manual_seed(0)
    encoders = [Encoder(_encoder(last, channels=6), padding="zeros") for last in ("conv3_4", "conv5_1")]
    shallow, deep = ([name.replace("conv", "relu") for name in encoder.names] for encoder in encoders)
    own = tuple(layer for layer in deep if layer > "relu3_4")
    return LossNetwork("tiny", [(encoders[0], tuple(shallow)), (encoders[1], own)])


def _encoder(last: str, *, channels: int) -> dict[str, torch.Tensor]:
    """VGG's convolutions to `last`, their weights scaled so that activations neither vanish nor grow."""
    weights = {"conv0.weight": torch.eye(3)[:, :, None, None].contiguous(), "conv0.bias": torch.zeros(3)}
    names = [f"conv{stage}_{index}" for stage, count in _STAGES for index in range(1, count + 1)]
    previous = 3
    for name in names[: names.index(last) + 1]:
        weights[f"{name}.weight"] = torch.randn(channels, previous, 3, 3) * (2 / (9 * previous)) ** 0.5
        weights[f"{name}.bias"] = torch.zeros(channels)
        previous = channels
    return weights
