"""The localization network: SqueezeNet 1.1, whose last convolution gives a class activation map per class.

    photo [3, 224, 224] -> conv1 .. fire9 -> conv10 (1x1) = maps [1000, 13, 13] -> ReLU -> mean = logits [1000]

Sources: Iandola et al. 2016 (arXiv:1602.07360); Zhou et al., "Learning deep features for discriminative
localization", CVPR 2016.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from ...engine.errors import InputError
from ..losses import class_maps

INPUT_PX = 224
SQUEEZENET_FILE = "squeezenet1_1.safetensors"
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
_FIRES = {2: (64, 16, 64), 3: (128, 16, 64), 4: (128, 32, 128), 5: (256, 32, 128), 6: (256, 48, 192)}
_FIRES |= {7: (384, 48, 192), 8: (384, 64, 256), 9: (512, 64, 256)}
_TORCHVISION = {0: "conv1", 3: "fire2", 4: "fire3", 6: "fire4", 7: "fire5"}
_TORCHVISION |= {9: "fire6", 10: "fire7", 11: "fire8", 12: "fire9"}


class Fire(nn.Module):
    """Fire module: squeezes to few channels, expands by parallel 1x1 and 3x3 convolutions."""

    def __init__(self, channels: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x))
        return F.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], dim=1))


class LocalizationNetwork(nn.Module):
    """SqueezeNet 1.1 (ImageNet): class activation maps, logits and mid-level features."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, stride=2)
        for index, sizes in _FIRES.items():
            setattr(self, f"fire{index}", Fire(*sizes))
        self.conv10 = nn.Conv2d(512, 1000, 1)
        self.register_buffer("mean", torch.tensor(_MEAN)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(_DEVIATION)[:, None, None], persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Class activation maps.

        Args:
            image: float [N, 3, H, W], RGB in [0, 1]; the network was trained on 224x224 (see `prepare`).

        Returns:
            float [N, 1000, h, w], the last convolution before its ReLU; 13x13 for 224x224.
        """
        return self.maps(self.features(image)["fire9"])

    def features(self, image: Tensor) -> dict[str, Tensor]:
        """Outputs of conv1 (after ReLU) and of every fire module, by name, for RGB [N, 3, H, W] in [0, 1]."""
        x = F.relu(self.conv1((image - self.mean) / self.deviation))
        features = {"conv1": x}
        for index in _FIRES:
            if index in (2, 4, 6):
                x = F.max_pool2d(x, 3, stride=2)
            x = getattr(self, f"fire{index}")(x)
            features[f"fire{index}"] = x
        return features

    def maps(self, fire9: Tensor) -> Tensor:
        """Class activation maps [N, 1000, h, w] from the last features [N, 512, h, w]."""
        maps: Tensor = self.conv10(fire9)
        return maps

    @staticmethod
    def prepare(image: Tensor) -> Tensor:
        """Resizes [N, 3, H, W] to the expected 224x224 (bilinear, antialiased)."""
        if image.shape[2:] == (INPUT_PX, INPUT_PX):
            return image
        size = (INPUT_PX, INPUT_PX)
        image = image.float()  # antialiased resizing of bfloat16 is missing on CPUs
        return F.interpolate(image, size=size, mode="bilinear", align_corners=False, antialias=True)

    @staticmethod
    def logits(maps: Tensor) -> Tensor:
        """Logits [N, 1000]: the mean of the maps after ReLU."""
        return F.relu(maps).mean(dim=(2, 3))

    @staticmethod
    def cam(maps: Tensor, classes: Tensor) -> Tensor:
        """Heat map [N, h, w] in [0, 1] of one class per picture: the positive part, scaled to a maximum of 1."""
        cams = F.relu(class_maps(maps, classes))
        return cams / cams.amax(dim=(1, 2), keepdim=True).clamp(min=1e-6)


def load_localization_network(path: Path) -> LocalizationNetwork:
    """Loads SqueezeNet 1.1 from safetensors or from torchvision's state dict (frozen, in evaluation mode).

    Raises:
        InputError: The file is missing or contains other weights.
    """
    if not path.is_file():
        raise InputError(f"localization network weights not found: {path}")
    network = LocalizationNetwork()
    try:
        safe = path.suffix == ".safetensors"
        state = load_file(path) if safe else torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(_from_torchvision(state) if "features.0.weight" in state else state)
    except Exception as error:  # safetensors, pickle and load_state_dict raise many types
        raise InputError(f"{path} does not contain the weights of SqueezeNet 1.1: {error}") from error
    return network.requires_grad_(False).eval()


def _from_torchvision(state: dict[str, Tensor]) -> dict[str, Tensor]:
    renamed = {}
    for key, tensor in state.items():
        head, index, rest = key.split(".", 2)
        renamed[f"conv10.{rest}" if head == "classifier" else f"{_TORCHVISION[int(index)]}.{rest}"] = tensor
    return renamed
