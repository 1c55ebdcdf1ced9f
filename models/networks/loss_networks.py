"""Loss networks: VGG-19 encoders with the features for perceptual losses.

Five networks have names:

* ``compact``: VGG-19 with normalised activations in full width to relu3_1, and a 16x compressed encoder for relu4_1
  and relu5_1.
* ``compact-encoder``: the compressed encoder for all five layers, almost three times as cheap; for most of a training.
* ``wide``: VGG-19 in full width to relu3_4 and the compressed encoder above it, padded with zeros as VGG was trained;
  the shallow layers of the compressed encoder leave a mesh, these do not.
* ``small``: the one that ships, a narrow VGG distilled from ``wide`` (see `training.loss_distillation`).
* ``vgg19``: torchvision's VGG-19, for those who have its weights.

Sources: Simonyan and Zisserman 2015 (arXiv:1409.1556); normalised activations as in Gatys et al. 2016; the compressed
encoder by Wang et al., "Collaborative distillation for ultra-resolution universal style transfer", CVPR 2020.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from ...engine.errors import InputError, UsageError

STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_LAYER = "relu4_1"

COMPACT_FILE = "vgg19_compact_relu5_1.safetensors"
FULL_WIDTH_FILE = "vgg19_normalised_relu3_1.safetensors"
WIDE_FILE = "vgg19_conv1_1_to_conv3_4_bgr255.safetensors"
SMALL, SMALL_FILE = "small", "loss-small.safetensors"
ZOO = Path(__file__).resolve().parents[1] / "zoo"

_VGG19 = ((1, 2), (2, 2), (3, 4), (4, 4), (5, 4))  # (stage, convolutions)


class Encoder(nn.Module):
    """The convolutions of VGG-19 up to a layer, built from the shapes of the weights.

    Args:
        weights: `conv0` (1x1), `conv1_1` and so on, each with `.weight` and `.bias`.
        padding: `reflect`, or `zeros`, which is faster.
    """

    def __init__(self, weights: dict[str, Tensor], *, padding: str = "reflect") -> None:
        super().__init__()
        self.padding = padding
        self.names = [name for name in _layer_names() if f"{name}.weight" in weights]
        self.convolutions = nn.ModuleDict()
        for name in ["conv0", *self.names]:
            weight = weights[f"{name}.weight"]
            conv = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2])
            conv.load_state_dict({"weight": weight, "bias": weights[f"{name}.bias"]})
            self.convolutions[name] = conv
        self.requires_grad_(False)

    def forward(self, image: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """Features [N, C, h, w] of the named layers; computes only up to the last of them.

        `conv3_1` names the features of `relu3_1` before the rectification.
        """
        wanted, features = set(layers), {}
        x = self.convolutions["conv0"](image)
        for name in self.names:
            if name.endswith("_1") and name != "conv1_1":
                x = F.max_pool2d(x, 2)
            before = self._convolved(name, x)
            x = F.relu(before)
            for layer, values in ((name, before), (name.replace("conv", "relu"), x)):
                if layer in wanted:
                    features[layer] = values
            if len(features) == len(wanted):
                break
        return features

    def _convolved(self, name: str, x: Tensor) -> Tensor:
        convolution = cast(nn.Conv2d, self.convolutions[name])
        if self.padding == "zeros":
            return F.conv2d(x, convolution.weight, convolution.bias, padding=1)
        padded: Tensor = convolution(F.pad(x, (1, 1, 1, 1), mode=_pad_mode(x)))
        return padded


class LossNetwork(nn.Module):
    """Features for the losses, from one encoder, or from two that divide the layers between them.

    Attributes:
        name: Name in reports.
        layers: All available layers, shallow to deep.
    """

    def __init__(self, name: str, encoders: list[tuple[Encoder, tuple[str, ...]]]) -> None:
        super().__init__()
        self.name = name
        self.encoders = nn.ModuleList(encoder for encoder, _ in encoders)
        self._layers = [layers for _, layers in encoders]
        self.layers = tuple(sorted({layer for layers in self._layers for layer in layers}))

    def forward(self, image: Tensor, layers: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Computes features.

        Args:
            image: float [N, 3, H, W], RGB in [0, 1].
            layers: Names such as ``relu4_1``; all style layers by default.

        Returns:
            One float [N, C, h, w] per layer, shallow to deep.

        Raises:
            UsageError: A layer that this network does not have.
        """
        wanted = tuple(STYLE_LAYERS if layers is None else layers)
        if unknown := [layer for layer in wanted if layer not in self.layers]:
            raise UsageError(f"{self.name} has no layer {unknown[0]!r}; it has {', '.join(self.layers)}")
        features: dict[str, Tensor] = {}
        for encoder, own in zip(self.encoders, self._layers, strict=True):
            if mine := [layer for layer in wanted if layer in own and layer not in features]:
                features |= encoder(image, mine)
        return dict(sorted(features.items()))


def load_loss_network(name: str = "compact", *, directory: Path | None = None) -> LossNetwork:
    """Loads a loss network by name, or a torchvision VGG-19 state dict by path.

    Args:
        name: ``small``, ``wide``, ``compact``, ``compact-encoder``, ``vgg19``, or the path of torchvision's VGG-19 or
            VGG-16, or of the result of a distillation.
        directory: The folder of the weight files; ``small`` ships.

    Raises:
        UsageError: An unknown name.
        InputError: A weight file is missing or unreadable.
    """
    folder = directory or Path()
    if name == SMALL:
        return _distilled(name, _read(ZOO / SMALL_FILE))
    if name == "compact":
        wide, narrow = _encoder(folder / FULL_WIDTH_FILE), _encoder(folder / COMPACT_FILE)
        narrow_layers = tuple(layer for layer in _relus(narrow) if layer > "relu3_1")
        return LossNetwork(name, [(wide, _relus(wide)), (narrow, narrow_layers)])
    if name == "wide":
        wide = Encoder(_bgr255(_read(folder / WIDE_FILE)), padding="zeros")
        narrow = Encoder(_read(folder / COMPACT_FILE), padding="zeros")
        return LossNetwork(
            name, [(wide, _relus(wide)), (narrow, tuple(r for r in _relus(narrow) if r > "relu3_4"))]
        )
    if name == "compact-encoder":
        narrow = _encoder(folder / COMPACT_FILE)
        return LossNetwork(name, [(narrow, _relus(narrow))])
    path = folder / "vgg19-dcbb9e9d.pth" if name == "vgg19" else Path(name)
    if name != "vgg19" and path.suffix not in {".pth", ".pt", ".safetensors"}:
        raise UsageError(
            f"unknown loss network {name!r}: expected small, compact, compact-encoder, wide, vgg19 or a file of weights"
        )
    weights = _read(path)
    if "conv0.weight" in weights:
        return _distilled(path.stem, weights)
    encoder = Encoder(from_torchvision(weights))
    return LossNetwork("vgg19", [(encoder, _relus(encoder))])


def from_torchvision(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Renames torchvision's ``features.N`` (VGG-19 or VGG-16) and puts its input normalisation into ``conv0`` (1x1).

    Raises:
        InputError: It is not the state dict of a VGG.
    """
    if "features.0.weight" not in state:
        raise InputError("not a state dict of torchvision's VGG: it has no 'features.0.weight'")
    indices = sorted({int(key.split(".")[1]) for key in state if key.startswith("features.")})
    names = _layer_names() if 16 in indices else [name for name in _layer_names() if not name.endswith("_4")]
    deviation = torch.tensor([0.229, 0.224, 0.225])
    mean = torch.tensor([0.485, 0.456, 0.406])
    weights = {"conv0.weight": torch.diag(1 / deviation)[:, :, None, None], "conv0.bias": -mean / deviation}
    for name, index in zip(names, indices, strict=False):
        weights[f"{name}.weight"] = state[f"features.{index}.weight"]
        weights[f"{name}.bias"] = state[f"features.{index}.bias"]
    return weights


def _distilled(name: str, weights: dict[str, Tensor]) -> LossNetwork:
    encoder = Encoder(weights, padding="zeros")
    return LossNetwork(name, [(encoder, _relus(encoder))])


def _bgr255(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Adapts weights for BGR in 0..255 minus ImageNet's means: adds this conversion as `conv0`, in float32."""
    flip = torch.eye(3).flip(0)[:, :, None, None] * 255
    change = {"conv0.weight": flip, "conv0.bias": -torch.tensor([103.939, 116.779, 123.68])}
    return change | {name: tensor.float() for name, tensor in weights.items()}


def _layer_names() -> list[str]:
    return [f"conv{stage}_{index}" for stage, count in _VGG19 for index in range(1, count + 1)]


def _relus(encoder: Encoder) -> tuple[str, ...]:
    return tuple(name.replace("conv", "relu") for name in encoder.names)


def _pad_mode(x: Tensor) -> str:
    return "reflect" if min(x.shape[2:]) > 1 else "replicate"


def _encoder(path: Path) -> Encoder:
    return Encoder(_read(path))


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise InputError(f"loss network weights not found: {path}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        return state
    except Exception as error:  # safetensors and pickle raise many types
        raise InputError(f"cannot read the loss network weights {path}: {error}") from error
