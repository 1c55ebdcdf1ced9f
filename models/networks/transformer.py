"""The style transformer: one trunk for all styles; a style is the scales and shifts of its normalisation layers.

A photograph is folded 4x4 into channels. Fine strokes form at a quarter of the resolution, large ones at an eighth,
where the same work buys four times the weights and twice the field of view. Nearest-neighbour upsampling followed by
a convolution brings the painting back to full size.

    photo [3, H, W] -> unfold 4 -> stem -> enter ----------------(+)-> leave -> up 2 + conv -> up 2 + conv -> painting
                                             |                    ^
                                             +-> down 2 -> blocks -> up 2 + conv

A final smoothing removes the pixel mesh that nearest-neighbour upsampling leaves. Convolutions repeat the rim of their
input, which draws strokes straight towards it; so `paint` continues the picture by its mirror image beyond each side,
and crops that again. There is no skip connection for fine detail, because it would copy the
photograph, and the result would be a tinted photograph.

A convolution gives a flat sky one flat tone, but painters give it strokes. So the stem also gets a grain: a few waves
across the picture, from which the network makes strokes where the photograph has no detail. With it, a picture of one
colour, in which only rounding errors would be normalised, gives the same painting on every backend.

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

from ...engine.errors import InputError, IntegrityError
from .simplification import simplified

FOLD = 4  # the stem folds 4x4 pixels into channels
MULTIPLE = (
    8  # the body works at 1/8 of the resolution: pictures are padded to a multiple of it and cropped again
)
#: Pixels that `paint` adds on each side.
RIM_PX = 16
#: Side of the squares to which photographs are simplified in `CONFIGS`.
SQUARE_PX = 4
#: Two long waves bend the grain, 170 to 190 px: phase per row and per column of the quarter picture, in radians.
BEND = ((0.11, 0.08), (-0.06, 0.13))
#: The waves of the grain, 24 to 60 px: phase per row and per column, and how many radians each bend shifts them.
GRAIN = (
    (0.55, 0.21, 2.3, 0.9),
    (-0.31, 0.72, -1.2, 2.1),
    (0.17, -0.46, 1.9, 1.7),
    (0.93, 0.38, -2.0, 1.4),
)


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes of a style transformer.

    Attributes:
        name: Name of the configuration.
        width: Channels at a quarter of the resolution.
        dilations: One residual block at an eighth of the resolution for each entry, with that dilation in its first
            convolution.
        decoder_width: Channels at half the resolution.
        square_px: Side of the squares to which a photograph is simplified before it is painted (see `simplification`);
            1 for the photograph as it is.
    """

    name: str = "small"
    width: int = 48
    dilations: tuple[int, ...] = (1, 2, 1)
    decoder_width: int = 24
    square_px: int = 1

    @property
    def deep_width(self) -> int:
        """Channels at an eighth of the resolution."""
        return 2 * self.width

    def layers(self) -> list[tuple[str, int]]:
        """(name, channels) of every normalisation layer, in the order of a style vector."""
        width, deep = self.width, self.deep_width
        blocks = [
            (f"blocks.{index}.norm{norm}", deep) for index in range(len(self.dilations)) for norm in (1, 2)
        ]
        enter = [("stem_norm", width), ("enter.norm1", width), ("enter.norm2", width), ("down_norm", deep)]
        leave = [("rise_norm", width), ("leave.norm1", width), ("leave.norm2", width)]
        return [*enter, *blocks, *leave, ("up_norm", self.decoder_width)]


CONFIGS = {
    "small": TransformerConfig(square_px=SQUARE_PX),
    "base": TransformerConfig(
        "base", width=96, dilations=(1, 2, 4, 2, 1), decoder_width=48, square_px=SQUARE_PX
    ),
}


class EdgeConv(nn.Conv2d):
    """A 3x3 convolution with input padded by repeating the rim.

    Uses concatenations, because the gradient of PyTorch's replicate padding loses the fast memory layout.
    """

    def __init__(
        self, channels: int, out: int, *, dilation: int = 1, stride: int = 1, bias: bool = False
    ) -> None:
        super().__init__(channels, out, 3, stride=stride, dilation=dilation, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, h, w] -> [N, O, h, w], or half that size with stride 2."""
        return super().forward(_widened(x, self.dilation[0]))


class ConditionalNorm(nn.Module):
    """Instance normalisation with scale and shift as inputs."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor, style: _StyleReader) -> Tensor:
        """Normalises x [N, C, H, W] with the next scale and shift of the style."""
        scale, shift = style.take(self.channels)
        single = x.shape[2] * x.shape[3] == 1  # PyTorch refuses a single value, which has no deviation
        x = torch.zeros_like(x) if single else F.instance_norm(x, eps=1e-5)
        return x * scale[:, :, None, None] + shift[:, :, None, None]


class ResidualBlock(nn.Module):
    """x + norm(conv(relu(norm(conv(x)))))."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv1 = EdgeConv(channels, channels, dilation=dilation)
        self.norm1 = ConditionalNorm(channels)
        self.conv2 = EdgeConv(channels, channels)
        self.norm2 = ConditionalNorm(channels)

    def forward(self, x: Tensor, style: _StyleReader) -> Tensor:
        y: Tensor = F.relu(self.norm1(self.conv1(x), style))
        y = self.norm2(self.conv2(y), style)
        return x + y


class StyleTransformer(nn.Module):
    """Paints photographs in the style of a vector.

    Attributes:
        config: Sizes.
        style_size: Length D of a style vector: for each normalisation layer in order, its scales, then its shifts.
    """

    def __init__(self, config: TransformerConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or CONFIGS["small"]
        width, deep, half = config.width, config.deep_width, config.decoder_width
        self.stem = EdgeConv(3 * FOLD**2, width)
        self.stem_norm = ConditionalNorm(width)
        self.enter = ResidualBlock(width)
        self.down = EdgeConv(width, deep, stride=2)
        self.down_norm = ConditionalNorm(deep)
        self.blocks = nn.ModuleList(ResidualBlock(deep, dilation) for dilation in config.dilations)
        self.rise = EdgeConv(deep, width)
        self.rise_norm = ConditionalNorm(width)
        self.leave = ResidualBlock(width)
        self.up = EdgeConv(width, half)
        self.up_norm = ConditionalNorm(half)
        self.head = EdgeConv(half, 3, bias=True)
        self.grain = nn.Parameter(0.02 * torch.randn(width, len(GRAIN)))
        self.style_size = 2 * sum(channels for _, channels in config.layers())

    def forward(self, image: Tensor, style: Tensor) -> Tensor:
        """Paints a batch.

        Args:
            image: float [N, 3, H, W], RGB in [0, 1], any size.
            style: float [N, D] or [1, D].

        Returns:
            float [N, 3, H, W], RGB, about [0, 1], not clipped.
        """
        return self._painting(simplified(image, self.config.square_px), style)

    def _painting(self, image: Tensor, style: Tensor) -> Tensor:
        """Paints a simplified picture."""
        height, width = image.shape[2:]
        if height % MULTIPLE or width % MULTIPLE:
            image = F.pad(image, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="replicate")
        reader = _StyleReader(style)
        x: Tensor = F.pixel_unshuffle(image * 2 - 1, FOLD)  # [N, 48, H/4, W/4]
        x = self.stem(x) + self._grain(x.shape[2], x.shape[3])
        fine = self.enter(F.relu(self.stem_norm(x, reader)), reader)
        x = F.relu(self.down_norm(self.down(fine), reader))  # [N, 2C, H/8, W/8]
        for block in self.blocks:
            x = block(x, reader)
        x = self.rise_norm(self.rise(_doubled(x)), reader)  # [N, C, H/4, W/4]
        x = self.leave(F.relu(x + fine), reader)
        x = F.relu(self.up_norm(self.up(_doubled(x)), reader))  # [N, C/2, H/2, W/2]
        x = _smoothed(self.head(_widened(_doubled(x), 1))) * 0.5 + 0.5  # [N, 3, H, W]
        return x[:, :, :height, :width]

    def paint(self, image: Tensor, style: Tensor, *, rim_px: int = RIM_PX) -> Tensor:
        """Paints whole pictures, continued by their mirror image beyond each side, so that strokes reach the sides.

        Args:
            image: float [N, 3, H, W], RGB in [0, 1], any size.
            style: float [N, D] or [1, D].
            rim_px: How far the mirror image goes; the exported model has the default.

        Returns:
            float [N, 3, H, W], RGB, about [0, 1], not clipped.
        """
        height, width = image.shape[2:]
        rows, columns = (_mirrored(length, rim_px, image.device) for length in (height, width))
        image = simplified(image, self.config.square_px).index_select(2, rows).index_select(3, columns)
        painted = self._painting(image, style)
        return painted[:, :, rim_px : rim_px + height, rim_px : rim_px + width]

    def _grain(self, height: int, width: int) -> Tensor:
        """The mixture of waves for each channel: float [C, h, w]."""
        rows = torch.arange(height, device=self.grain.device, dtype=torch.float32)[:, None]
        columns = torch.arange(width, device=self.grain.device, dtype=torch.float32)
        first, second = (torch.sin(down * rows + across * columns) for down, across in BEND)
        waves = torch.stack(
            [torch.sin(a * rows + b * columns + c * first + d * second) for a, b, c, d in GRAIN]
        )
        return torch.einsum("ck,khw->chw", self.grain, waves.to(self.grain.dtype))

    def neutral_style(self) -> Tensor:
        """The vector [D] with scales 1 and shifts 0, the start of training."""
        parts = [
            part
            for _, channels in self.config.layers()
            for part in (torch.ones(channels), torch.zeros(channels))
        ]
        return torch.cat(parts)

    def trunk_hash(self) -> str:
        """sha256 (hex) of the configuration and all weights; identifies the trunk of a style vector."""
        config = {
            name: value for name, value in asdict(self.config).items() if (name, value) != ("square_px", 1)
        }
        digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
        for name, tensor in sorted(self.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
        return digest.hexdigest()


class _StyleReader:
    """Splits a style vector [N, D] layer by layer."""

    def __init__(self, style: Tensor) -> None:
        self.style = style
        self.position = 0

    def take(self, channels: int) -> tuple[Tensor, Tensor]:
        scale = self.style[:, self.position : self.position + channels]
        shift = self.style[:, self.position + channels : self.position + 2 * channels]
        self.position += 2 * channels
        return scale, shift


def _mirrored(length: int, rim_px: int, device: torch.device) -> Tensor:
    """Index of each row with rim_px more on each side, up to a multiple of MULTIPLE: 2 1 0 | 0 1 2 3 | 3 2 1."""
    whole = -(-(length + 2 * rim_px) // MULTIPLE) * MULTIPLE
    places = torch.arange(-rim_px, whole - rim_px, device=device)
    places = torch.maximum(places, -1 - places)
    return torch.minimum(places, 2 * length - 1 - places).clamp(0, length - 1)  # a short side is repeated


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def _widened(x: Tensor, rim: int) -> Tensor:
    """Repeats the rim `rim` times on every side: [N, C, h, w] -> [N, C, h + 2 rim, w + 2 rim]."""
    x = torch.cat([x[:, :, :1]] * rim + [x] + [x[:, :, -1:]] * rim, dim=2)
    return torch.cat([x[:, :, :, :1]] * rim + [x] + [x[:, :, :, -1:]] * rim, dim=3)


def _smoothed(x: Tensor) -> Tensor:
    """Smooths by [1 2 1] / 4 along both axes, which removes pixel-wise alternation: [h + 2, w + 2] -> [h, w]."""
    x = (x[:, :, :-2] + 2 * x[:, :, 1:-1] + x[:, :, 2:]) / 4
    return (x[:, :, :, :-2] + 2 * x[:, :, :, 1:-1] + x[:, :, :, 2:]) / 4


def save_trunk(path: Path, transformer: StyleTransformer, *, training: dict[str, Any] | None = None) -> None:
    """Writes a trunk as safetensors, with configuration and training record in the metadata.

    Weights that float16 represents exactly are written as float16.
    """
    tensors = {name: _packed(tensor.detach().cpu()) for name, tensor in transformer.state_dict().items()}
    config = json.dumps(asdict(transformer.config))
    metadata = {"config": config, "training": json.dumps(training or {}), "trunk": transformer.trunk_hash()}
    path.write_bytes(save(tensors, metadata=metadata))


def _packed(tensor: Tensor) -> Tensor:
    half = tensor.half()
    return (half if torch.equal(half.to(tensor.dtype), tensor) else tensor).contiguous()


def load_trunk(path: Path) -> StyleTransformer:
    """Reads a trunk.

    Raises:
        InputError: The file is missing or not a trunk.
        IntegrityError: Its weights do not match their hash.
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
