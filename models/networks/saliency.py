"""The saliency network: photograph -> soft mask of the region that a viewer looks at.

The encoder is the first part of SqueezeNet 1.1 (so it can start from ImageNet weights), the decoder a feature pyramid
with few channels. A second, coarse head predicts the class activation map of the localization network. In training it
teaches the encoder from photographs without a mask; at run time it widens the mask to everything that a classifier
would look at (`attention`).
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from ...engine.errors import InputError, UsageError
from .localization import Fire, LocalizationNetwork, load_localization_network

Image = NDArray[np.uint8]
Mask = NDArray[np.float32]

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
SIZE_MULTIPLE = 16
#: Gain of activation maps, which are high only at a few points; with it they cover the objects to recognise.
ATTENTION_GAIN = 3.0

_ENDS = ("fire6", "fire7", "fire8", "fire9")


@dataclass(frozen=True)
class SaliencyConfig:
    """Sizes of a :class:`SaliencyNetwork`."""

    name: str = "small"
    last: str = "fire9"
    """Last SqueezeNet module of the encoder, fire6 to fire9."""
    width: int = 64
    """Channels of the coarsest decoder level; the finer ones have fewer (see `widths`)."""
    landscape_px: tuple[int, int] = (96, 160)
    """Height and width of the input grid for wide pictures; tall ones use the transpose."""
    square_px: tuple[int, int] = (128, 128)
    """Height and width of the input grid for nearly square pictures."""

    def __post_init__(self) -> None:
        if self.last not in _ENDS:
            raise UsageError(f"the encoder cannot end at {self.last!r}; expected {', '.join(_ENDS)}")
        if any(size % SIZE_MULTIPLE for size in (*self.landscape_px, *self.square_px)):
            raise UsageError(f"grids of the saliency network must be multiples of {SIZE_MULTIPLE} pixels")

    @classmethod
    def for_grid(cls, height: int, width: int, *, last: str = "fire9", decoder: int = 64) -> SaliencyConfig:
        """Sizes for wide pictures with a grid of `height` x `width` pixels, and for square ones of about the same area.

        Raises:
            UsageError: A side is not a multiple of 16, or the encoder cannot end at `last`.
        """
        side = round(math.sqrt(height * width) / SIZE_MULTIPLE) * SIZE_MULTIPLE
        return cls(last=last, width=decoder, landscape_px=(height, width), square_px=(side, side))

    @property
    def widths(self) -> tuple[int, int, int, int]:
        """Decoder channels at 1/16, 1/8, 1/4 and 1/2 of the input size."""
        return self.width, self.width, self.width // 2, self.width // 4

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """The input grid (height, width) in pixels for a picture of `height` x `width`."""
        if 4 * width > 5 * height:
            return self.landscape_px
        if 4 * height > 5 * width:
            return self.landscape_px[1], self.landscape_px[0]
        return self.square_px


class Encoder(nn.Module):
    """SqueezeNet 1.1 up to `last`, with padding so that every level halves the size exactly."""

    before_pool = ("fire3", "fire5")

    def __init__(self, last: str) -> None:
        super().__init__()
        squeezenet = LocalizationNetwork()
        self.conv1 = squeezenet.conv1
        self.conv1.padding = (1, 1)
        self.names = [f"fire{index}" for index in range(2, int(last[4:]) + 1)]
        for name in self.names:
            self.add_module(name, squeezenet.get_submodule(name))

    def channels(self, name: str) -> int:
        """Output channels of `conv1` or a fire module."""
        module = self.get_submodule(name)
        return 2 * module.expand1x1.out_channels if isinstance(module, Fire) else self.conv1.out_channels

    def forward(self, image: Tensor) -> list[Tensor]:
        """Features at 1/2 (conv1), 1/4 (fire3), 1/8 (fire5) and 1/16 (the last) of the input size."""
        feature = functional.relu(self.conv1(image))  # [N, 64, H/2, W/2]
        levels = [feature]
        for name in self.names:
            if levels[-1] is feature:
                feature = functional.max_pool2d(feature, 3, stride=2, padding=1)
            feature = self.get_submodule(name)(feature)
            if name in self.before_pool:
                levels.append(feature)
        return [*levels, feature]


class SaliencyNetwork(nn.Module):
    """Encoder, feature pyramid and two heads.

    Args:
        config: Sizes of the network.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: SaliencyConfig | None = None) -> None:
        super().__init__()
        self.config = config or SaliencyConfig()
        deep, coarse, middle, fine = self.config.widths
        self.register_buffer("mean", torch.tensor(MEAN).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).reshape(1, 3, 1, 1), persistent=False)
        self.encoder = Encoder(self.config.last)
        self.entry = nn.Conv2d(self.encoder.channels(self.config.last), deep, 1)
        self.context = nn.Conv2d(deep, deep, 1)
        self.blocks = nn.ModuleList(
            [_block(deep, coarse), _block(coarse, middle), _block(middle, fine), _block(fine, fine)]
        )
        sides = (("fire5", coarse), ("fire3", middle), ("conv1", fine))
        self.laterals = nn.ModuleList(
            [nn.Conv2d(self.encoder.channels(name), width, 1) for name, width in sides]
        )
        self.mask_head = nn.Conv2d(fine, 1, 1)
        self.cam_head = nn.Conv2d(coarse, 1, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Computes mask and activation map of a batch.

        Args:
            image: float [N, 3, H, W], RGB in [0, 1], H and W multiples of 16.

        Returns:
            Logits of the mask, float [N, 1, H/2, W/2], and of the activation map, float [N, 1, H/16, W/16].
        """
        levels = self.encoder((image - self.mean) / self.deviation)
        feature = self.entry(levels.pop())  # [N, width, H/16, W/16]
        feature = functional.relu(feature + self.context(feature.mean(dim=(2, 3), keepdim=True)))
        feature = self.blocks[0](feature)
        cam = self.cam_head(feature)
        for lateral, block in zip(self.laterals, self.blocks[1:], strict=True):
            feature = functional.interpolate(feature, scale_factor=2, mode="nearest")
            feature = block(feature + lateral(levels.pop()))
        return self.mask_head(feature), cam

    @torch.no_grad()
    def mask(self, image: Tensor, *, attention: float = 0.0) -> Tensor:
        """Computes the mask like the exported stage.

        Args:
            image: float [N, 3, H, W], RGB in [0, 1].
            attention: 0 for the salient region only; up to 1 to add what a classifier would look at.

        Returns:
            float [N, H, W] in [0, 1].
        """
        logits, cam = self(image)
        mask = functional.interpolate(
            torch.sigmoid(logits), scale_factor=2, mode="bilinear", align_corners=False
        )
        seen = (ATTENTION_GAIN * torch.sigmoid(cam)).clamp(max=1)
        seen = functional.interpolate(seen, size=mask.shape[2:], mode="bilinear", align_corners=False)
        return torch.maximum(mask, attention * seen)[:, 0]


def _block(channels: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
    )


def predict(
    network: SaliencyNetwork, image: Image, *, size: tuple[int, ...] | None = None, attention: float = 0.0
) -> Mask:
    """Computes the mask of one picture.

    Args:
        network: The network, in evaluation mode.
        image: uint8 [h, w, 3], RGB.
        size: Height and width of the mask; the picture's by default.
        attention: See :meth:`SaliencyNetwork.mask`.

    Returns:
        float32 [H, W] in [0, 1].
    """
    height, width = network.config.grid(*image.shape[:2])
    seen = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    mask = network.mask(torch.from_numpy(seen).permute(2, 0, 1)[None], attention=attention)[0].numpy()
    target = size or image.shape[:2]
    return np.asarray(cv2.resize(mask, (target[1], target[0]), interpolation=cv2.INTER_LINEAR), np.float32)


def start_from_imagenet(network: SaliencyNetwork, path: str | Path) -> None:
    """Copies SqueezeNet 1.1's ImageNet weights into the encoder.

    Args:
        network: The network; changed in place.
        path: SqueezeNet 1.1 in a format of :func:`load_localization_network`.

    Raises:
        InputError: The file is missing or contains other weights.
    """
    weights = load_localization_network(Path(path)).state_dict()
    wanted = network.encoder.state_dict()
    network.encoder.load_state_dict({name: weights[name] for name in wanted})


def save_saliency(
    path: str | Path, network: SaliencyNetwork, *, training: dict[str, Any] | None = None
) -> None:
    """Writes weights, configuration and the training record to one .safetensors file."""
    metadata = {"config": json.dumps(asdict(network.config)), "training": json.dumps(training or {})}
    weights = {name: tensor.detach().float().contiguous() for name, tensor in network.state_dict().items()}
    save_file(weights, path, metadata=metadata)


def load_saliency_network(path: str | Path) -> tuple[SaliencyNetwork, dict[str, Any]]:
    """Reads a file of :func:`save_saliency`.

    Returns:
        The network in evaluation mode, and the training record.

    Raises:
        InputError: The file is missing or not a saliency network.
    """
    if not Path(path).is_file():
        raise InputError(f"no saliency network at {path}")
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
    if "config" not in metadata:
        raise InputError(f"{path} has no saliency configuration in its metadata")
    settings = json.loads(metadata["config"])
    sizes: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()
    }
    network = SaliencyNetwork(SaliencyConfig(**sizes))
    network.load_state_dict(load_file(path))
    return network.eval(), json.loads(metadata.get("training", "{}"))
