"""The style transformer: one trunk for all styles, a style being the scales and shifts of its normalisation layers.

A photograph is folded 4x4 into channels, painted by a residual body at a quarter of the resolution, and unfolded
by nearest-neighbour upsampling followed by a convolution, twice. A convolution of the photograph folded 2x2 joins
the decoder half way, so that fine detail need not pass through the body.

    photo [3, H, W] -> unfold 4 -> stem -> blocks ------> up 2 + conv --(+)-> up 2 + conv -> painting [3, H, W]
                    -> unfold 2 -> detail conv ------------------------^

Conditional instance normalisation follows Dumoulin et al., "A learned representation for artistic style", 2017
(arXiv:1610.07629); nearest-neighbour upsampling, Odena et al., "Deconvolution and checkerboard artifacts", 2016.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ..engine.errors import InputError, IntegrityError

FOLD = 4  # the body works at 1/4 of the resolution
MARGIN_PX = 8  # replicated pixels around the picture, cropped again, so that zero padding never shows


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes of a style transformer.

    Attributes:
        name: Name of the configuration.
        width: Channels of the residual body, at a quarter of the resolution.
        dilations: One residual block for each entry, with that dilation in its first convolution.
        decoder_width: Channels at half the resolution.
    """

    name: str = "small"
    width: int = 48
    dilations: tuple[int, ...] = (1, 2, 1, 2, 1)
    decoder_width: int = 40


CONFIGS = {
    "small": TransformerConfig(),
    "base": TransformerConfig("base", width=96, dilations=(1, 2, 4, 2, 1, 2, 1), decoder_width=48),
}


class ConditionalNorm(nn.Module):
    """Instance normalisation whose scale and shift are given with every call."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """Normalise x [N, C, H, W]; scale and shift are [N, C]."""
        x = F.instance_norm(x, eps=1e-5)
        return x * scale[:, :, None, None] + shift[:, :, None, None]


class ResidualBlock(nn.Module):
    """x + norm(conv(relu(norm(conv(x)))))."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm1 = ConditionalNorm(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = ConditionalNorm(channels)

    def forward(self, x: Tensor, style: _StyleReader) -> Tensor:
        y: Tensor = F.relu(self.norm1(self.conv1(x), *style.take(self.norm1.channels)))
        y = self.norm2(self.conv2(y), *style.take(self.norm2.channels))
        return x + y


class StyleTransformer(nn.Module):
    """Paints photographs in the style that a vector describes.

    Attributes:
        config: Sizes.
        style_size: Length D of a style vector: for each normalisation layer in order, its scales, then its shifts.
    """

    def __init__(self, config: TransformerConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or CONFIGS["small"]
        width, half = config.width, config.decoder_width
        self.stem = nn.Conv2d(3 * FOLD**2, width, 3, padding=1, bias=False)
        self.stem_norm = ConditionalNorm(width)
        self.blocks = nn.ModuleList(ResidualBlock(width, dilation) for dilation in config.dilations)
        self.up = nn.Conv2d(width, half, 3, padding=1, bias=False)
        self.detail = nn.Conv2d(3 * 2**2, half, 3, padding=1, bias=False)
        self.up_norm = ConditionalNorm(half)
        self.head = nn.Conv2d(half, 3, 3, padding=1)
        self.style_size = 2 * sum(m.channels for m in self.modules() if isinstance(m, ConditionalNorm))

    def forward(self, image: Tensor, style: Tensor) -> Tensor:
        """Paint.

        Args:
            image: float [N, 3, H, W], RGB in [0, 1], any size.
            style: float [N, D] or [1, D].

        Returns:
            float [N, 3, H, W], RGB, about [0, 1], not clipped.
        """
        height, width = image.shape[2:]
        image = F.pad(image, _padding(height, width), mode="replicate")
        image = image * 2 - 1
        reader = _StyleReader(style)
        x: Tensor = F.pixel_unshuffle(image, FOLD)  # [N, 48, H/4, W/4]
        x = F.relu(self.stem_norm(self.stem(x), *reader.take(self.stem_norm.channels)))
        for block in self.blocks:
            x = block(x, reader)
        x = self.up(F.interpolate(x, scale_factor=2.0, mode="nearest"))  # [N, C/2, H/2, W/2]
        x = x + self.detail(F.pixel_unshuffle(image, 2))
        x = F.relu(self.up_norm(x, *reader.take(self.up_norm.channels)))
        x = self.head(F.interpolate(x, scale_factor=2.0, mode="nearest"))  # [N, 3, H, W]
        x = x * 0.5 + 0.5
        return x[:, :, MARGIN_PX : MARGIN_PX + height, MARGIN_PX : MARGIN_PX + width]

    def neutral_style(self) -> Tensor:
        """The vector [D] with scales 1 and shifts 0, from which training starts."""
        parts = []
        for module in self.modules():
            if isinstance(module, ConditionalNorm):
                parts += [torch.ones(module.channels), torch.zeros(module.channels)]
        return torch.cat(parts)

    def trunk_hash(self) -> str:
        """sha256 (hex) of the configuration and of every weight: what a style vector belongs to."""
        digest = hashlib.sha256(json.dumps(asdict(self.config), sort_keys=True).encode())
        for name, tensor in sorted(self.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
        return digest.hexdigest()


class _StyleReader:
    """Hands out a style vector [N, D] layer by layer."""

    def __init__(self, style: Tensor) -> None:
        self.style = style
        self.position = 0

    def take(self, channels: int) -> tuple[Tensor, Tensor]:
        scale = self.style[:, self.position : self.position + channels]
        shift = self.style[:, self.position + channels : self.position + 2 * channels]
        self.position += 2 * channels
        return scale, shift


def _padding(height: int, width: int) -> tuple[int, int, int, int]:
    """Left, right, top and bottom padding: the margin, and what a multiple of four lacks."""
    return MARGIN_PX, MARGIN_PX + -width % FOLD, MARGIN_PX, MARGIN_PX + -height % FOLD


def save_trunk(path: Path, transformer: StyleTransformer, *, training: dict[str, Any] | None = None) -> None:
    """Write a trunk as safetensors, its configuration and training record in the metadata."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in transformer.state_dict().items()}
    config = json.dumps(asdict(transformer.config))
    metadata = {"config": config, "training": json.dumps(training or {}), "trunk": transformer.trunk_hash()}
    path.write_bytes(save(tensors, metadata=metadata))


def load_trunk(path: Path) -> StyleTransformer:
    """Read a trunk.

    Raises:
        InputError: The file is missing or is no trunk.
        IntegrityError: Its weights do not match the hash written beside them.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(f"cannot read the trunk {path}: {error}") from error
    if "config" not in metadata:
        raise InputError(f"{path} is not a trunk: its metadata has no 'config' (is it a style vector?)")
    config = json.loads(metadata["config"])
    transformer = StyleTransformer(TransformerConfig(**{**config, "dilations": tuple(config["dilations"])}))
    transformer.load_state_dict(tensors)
    if transformer.trunk_hash() != metadata.get("trunk"):
        raise IntegrityError(f"{path}: the weights do not match their hash; fetch or train the file again")
    return transformer.eval()
