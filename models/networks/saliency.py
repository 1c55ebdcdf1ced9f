"""The saliency network: photograph -> soft mask of the region that a viewer looks at.

The encoder is the first part of SqueezeNet 1.1 (so ImageNet weights can start it), the decoder a feature pyramid of
few channels. A second, coarse head predicts the class activation map of the localization network: in training it
teaches the encoder what matters in photographs that have no mask, at run time it widens the mask to all that a
classifier would look at (`attention`).
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
#: Activation maps are high at a few points only; so much brighter, they cover what is to be recognised.
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
    """Height and width at which wide pictures are seen; tall ones are seen at the transpose."""
    square_px: tuple[int, int] = (128, 128)
    """Height and width at which nearly square pictures are seen."""

    def __post_init__(self) -> None:
        if self.last not in _ENDS:
            raise UsageError(f"the encoder ends at {self.last!r}; it may end at {', '.join(_ENDS)}")
        if any(size % SIZE_MULTIPLE for size in (*self.landscape_px, *self.square_px)):
            raise UsageError(f"grids of the saliency network are multiples of {SIZE_MULTIPLE} pixels")

    @classmethod
    def for_grid(cls, height: int, width: int, *, last: str = "fire9", decoder: int = 64) -> SaliencyConfig:
        """The sizes for wide pictures seen at `height` x `width` pixels and square ones at about the same area.

        Raises:
            UsageError: a side is no multiple of 16, or `last` no end of an encoder.
        """
        side = round(math.sqrt(height * width) / SIZE_MULTIPLE) * SIZE_MULTIPLE
        return cls(last=last, width=decoder, landscape_px=(height, width), square_px=(side, side))

    @property
    def widths(self) -> tuple[int, int, int, int]:
        """Decoder channels at 1/16, 1/8, 1/4 and 1/2 of the input size."""
        return self.width, self.width, self.width // 2, self.width // 4

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """The size (height, width) in pixels at which a picture of `height` x `width` is seen."""
        if 4 * width > 5 * height:
            return self.landscape_px
        if 4 * height > 5 * width:
            return self.landscape_px[1], self.landscape_px[0]
        return self.square_px


class Encoder(nn.Module):
    """SqueezeNet 1.1 to `last`, its convolution and poolings padded so that every level halves the size exactly."""

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
        """Channels that `conv1` or a fire module gives."""
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
        config: the sizes.
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
        """Mask and activation map of a batch.

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
        """The mask as the exported stage gives it.

        Args:
            image: float [N, 3, H, W], RGB in [0, 1].
            attention: 0 for the drawn region alone; up to 1 to add what a classifier would look at.

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
    """The mask of one picture.

    Args:
        network: in evaluation mode.
        image: uint8 [h, w, 3], RGB.
        size: height and width of the mask; the picture's own by default.
        attention: as for :meth:`SaliencyNetwork.mask`.

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
        network: changed in place.
        path: SqueezeNet 1.1 as :func:`load_localization_network` takes it.

    Raises:
        InputError: the file is missing or holds other weights.
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
    """Reads what :func:`save_saliency` wrote.

    Returns:
        The network in evaluation mode, and the training record.

    Raises:
        InputError: the file is missing or no saliency network.
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
