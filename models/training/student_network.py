"""A small loss network before its training: a narrow VGG whose layers are fitted to those of a larger network.

1. Of each layer's channels, those are kept that explain most of the others' energy (pivoted Cholesky).
2. Each convolution is the least-squares solution for the kept channels of the larger network, from what the small
   network itself sees; so it also undoes part of the errors of the layers before.
3. Inputs are scaled to a deviation of 1 and activations to a mean of 1, so that all layers learn at one rate.

Such a start is as good as thousands of steps from random weights: He, Zhang and Sun, "Channel pruning for accelerating
very deep neural networks", ICCV 2017 (arXiv:1707.06168), fit layers in this way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..networks.loss_networks import Encoder, LossNetwork

#: Convolutions of the small network and their channels: 0.93 million weights, 1.9 MB in half precision.
WIDTHS = {
    "conv1_1": 64,
    "conv1_2": 40,
    "conv2_1": 80,
    "conv2_2": 72,
    "conv3_1": 136,
    "conv3_2": 112,
    "conv3_3": 136,
    "conv3_4": 64,
    "conv4_1": 128,
    "conv4_2": 128,
    "conv5_1": 128,
}
#: From this convolution on, the fit follows the teacher's deep encoder.
_DEEP = "conv3_4"
#: This convolution, the last before a pooling, follows the teacher's last one, which is deeper.
_LAST = "conv4_2"
#: Places that a layer is chosen and fitted by, and the ridge of the fit relative to the mean energy of the inputs.
_PLACES, _RIDGE = 40_000, 1e-4
_PICTURES_AT_ONCE = 16


@torch.no_grad()
def fitted_student(teacher: LossNetwork, pictures: Tensor, *, seed: int = 0) -> dict[str, Tensor]:
    """Weights of the small network, by name as `Encoder` takes them.

    Args:
        teacher: Loss network with zero padding and a convolution for each of `WIDTHS`.
        pictures: float [N, 3, H, W], RGB in [0, 1]; a hundred of 128 px are enough.
        seed: Seed of the places.
    """
    generator = torch.Generator().manual_seed(seed)
    first = cast(nn.Conv2d, cast(Encoder, teacher.encoders[0]).convolutions["conv0"])
    level = first(pictures).std()
    weights = {"conv0.weight": first.weight / level, "conv0.bias": cast(Tensor, first.bias) / level}
    x = F.conv2d(pictures, weights["conv0.weight"], weights["conv0.bias"])
    for name, width in WIDTHS.items():
        if name.endswith("_1") and name != "conv1_1":
            x = F.max_pool2d(x, 2)
        wanted = _before_relu(teacher, name, pictures)
        wanted = wanted[:, strongest_channels(F.relu(wanted), width)]
        wanted = wanted / F.relu(wanted).mean()
        weights[f"{name}.weight"], weights[f"{name}.bias"] = _fitted(x, wanted, generator)
        x = F.relu(F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1))
    return weights


def _before_relu(teacher: LossNetwork, name: str, pictures: Tensor) -> Tensor:
    """The teacher's features that a convolution is fitted to, before the rectification."""
    encoder = cast(Encoder, teacher.encoders[-1 if name >= _DEEP else 0])
    source = max(own for own in encoder.names if own < "conv5") if name == _LAST else name
    parts = torch.split(pictures, _PICTURES_AT_ONCE)
    return torch.cat([encoder(part, [source])[source] for part in parts])


def strongest_channels(features: Tensor, count: int) -> Tensor:
    """Indices [count] of the channels that explain most energy of all channels of [N, C, h, w], in rising order."""
    flat = features.transpose(0, 1).flatten(1)
    flat = flat[:, :: max(1, flat.shape[1] // _PLACES)].double()
    rest = flat @ flat.T / flat.shape[1]
    chosen = torch.zeros(len(rest), dtype=torch.bool, device=rest.device)
    for _ in range(min(count, len(rest))):
        explained = rest.square().sum(dim=1) / rest.diagonal().clamp(min=1e-12)
        best = int(explained.masked_fill(chosen, -1.0).argmax())
        chosen[best] = True
        rest = rest - torch.outer(rest[best], rest[best]) / rest[best, best].clamp(min=1e-12)
    return chosen.nonzero()[:, 0]


@torch.no_grad()
def fitted_maps(
    student: Encoder, teacher: LossNetwork, pictures: Tensor, layers: Sequence[str]
) -> nn.ModuleDict:
    """For each layer a 1x1 convolution from the small network's channels to the teacher's, fitted to pictures."""
    maps, few = nn.ModuleDict(), pictures[:_PICTURES_AT_ONCE]
    found, known = student(few, layers), teacher(few, layers)
    for layer in layers:
        rows, targets = (features[layer].transpose(0, 1).flatten(1).T for features in (found, known))
        solution = _least_squares(rows, targets)
        maps[layer] = linear = nn.Conv2d(rows.shape[1], targets.shape[1], 1)
        linear.load_state_dict({"weight": solution[:-1].T[:, :, None, None], "bias": solution[-1]})
    return maps.to(pictures.device)


def _fitted(x: Tensor, wanted: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """The 3x3 convolution, as weight and bias, from [N, C, h, w] to [N, K, h, w] with the least squared error."""
    patches = max(1, _PLACES // len(x))
    inputs, outputs = [], []
    for picture, target in zip(x, wanted, strict=True):
        places = torch.randperm(target[0].numel(), generator=generator)[:patches].to(x.device)
        inputs.append(F.unfold(picture[None], 3, padding=1)[0].T[places])
        outputs.append(target.flatten(1).T[places])
    solution = _least_squares(torch.cat(inputs), torch.cat(outputs))
    weight = solution[:-1].T.reshape(wanted.shape[1], x.shape[1], 3, 3)
    return weight.contiguous(), solution[-1].contiguous()


def _least_squares(rows: Tensor, targets: Tensor) -> Tensor:
    """Ridge regression from rows [P, C] and a constant to targets [P, K]: float32 [C + 1, K]."""
    known = F.pad(rows, (0, 1), value=1.0).double()
    energy = known.T @ known
    energy.diagonal().add_(_RIDGE * energy.diagonal().mean())
    solution: Tensor = torch.linalg.solve(energy, known.T @ targets.double())
    return solution.float()
