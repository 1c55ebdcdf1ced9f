"""The options of `paint`: one frozen value, checked when it is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import torch

from ...engine.errors import UsageError, suggest
from ..device import fast_bfloat16
from ..networks.loss_networks import CONTENT_LAYER
from .comparison import STYLE_SHARES, Comparison
from .objective import SALIENT_SHARE, STYLE_SCALES, LossWeights

INITS = ("photo", "noise", "blur", "style", "stylized")
#: From each size to the next.
GROWTH = 1.4
OPTIMIZERS = ("lbfgs", "adam")
PRESERVED_COLORS = ("luminance", "histogram")
#: Smallest painting and smallest style, in pixels.
MINIMUM_PX = 64

#: Weights that came out well by eye on photographs of animals, buildings, streets and people.
DEFAULT_WEIGHTS = LossWeights(content=1.2, style=10.0, region=0.1, tv=5.0)


@dataclass(frozen=True)
class PaintOptions:
    """How to paint.

    Attributes:
        size_px: Longer side of the painting.
        steps: Steps in all, over all levels.
        weights: Weight of each loss.
        style_weights: Share of each style; equal when None; normalised to add up to 1.
        style_scale: Size of the styles relative to the painting: larger gives larger strokes.
        init: What to start from: `photo`, `noise`, `blur` (the photograph without its details), `style`, or a
            given picture, `stylized`.
        optimizer: `lbfgs` or `adam`.
        coarse_px: Least longer side of the first level; each next one is 1.4 times as large, the last has `size_px`.
        preserve_color: `luminance` paints the luma only, `histogram` gives the styles the photograph's colours.
        tile_px: Side of the tiles for large pictures; 0 for none.
        seed: Seed of the noise.
        content_layers: Layers of the content term.
        normalize_content: The content term compares instance-normalised features: forms without their palette.
        style_layers: Layers of the style term, each with its share.
        style_scales: The style is compared at the size of the painting divided by each of these.
        salient_share: How much more the content counts where the photograph is salient.
        bfloat16: Run the loss network in bfloat16; by default where the device has it in hardware.
        device: torch's name of the device.

    Raises:
        UsageError: A value out of its range.
    """

    size_px: int = 512
    steps: int = 150
    weights: LossWeights = field(default_factory=lambda: DEFAULT_WEIGHTS)
    style_weights: tuple[float, ...] | None = None
    style_scale: float = 1.0
    init: str = "photo"
    optimizer: str = "adam"
    coarse_px: int = 128
    preserve_color: str | None = None
    tile_px: int = 0
    seed: int = 0
    content_layers: tuple[str, ...] = (CONTENT_LAYER,)
    normalize_content: bool = True
    style_layers: Mapping[str, float] = field(default_factory=lambda: dict(STYLE_SHARES))
    style_scales: tuple[int, ...] = STYLE_SCALES
    salient_share: float = SALIENT_SHARE
    bfloat16: bool | None = None
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Checks every value."""
        _at_least("size", self.size_px, MINIMUM_PX)
        _at_least("steps", self.steps, 1)
        _at_least("coarse size", self.coarse_px, MINIMUM_PX)
        _one_of("init", self.init, INITS)
        _one_of("optimizer", self.optimizer, OPTIMIZERS)
        if self.preserve_color is not None:
            _one_of("way to preserve colour", self.preserve_color, PRESERVED_COLORS)
        if not 0.1 <= self.style_scale <= 10:
            raise UsageError(f"the scale of the style must be between 0.1 and 10, got {self.style_scale}")
        if self.tile_px:
            _at_least("tile", self.tile_px, 2 * MINIMUM_PX)
        if not self.style_scales or any(scale < 1 for scale in self.style_scales):
            raise UsageError(f"scales of the style are 1 or more, got {self.style_scales}")
        if not 0 <= self.salient_share < float("inf"):
            raise UsageError(f"the salient share is {self.salient_share}; it is 0 or more")
        if any(not 0 <= weight < float("inf") for weight in self.style_weights or ()):
            raise UsageError(f"weights of styles are 0 or more, got {self.style_weights}")

    def shares(self, count: int) -> tuple[float, ...]:
        """Share of each of `count` styles, adding up to 1.

        Raises:
            UsageError: As many weights as styles were not given, or all are 0.
        """
        given = self.style_weights or (1.0,) * count
        if len(given) != count:
            raise UsageError(f"{len(given)} style weights for {count} styles")
        if count and sum(given) <= 0:
            raise UsageError("all style weights are 0")
        return tuple(weight / sum(given) for weight in given)

    def long_sides(self) -> list[int]:
        """Longer side of each level in pixels, coarse to fine."""
        sides = [self.size_px]
        while (side := round(self.size_px / GROWTH ** len(sides))) >= self.coarse_px:
            sides.append(side)
        return sides[::-1]

    def steps_of_levels(self) -> list[int]:
        """Steps of each level, coarse to fine: most at the small sizes, where composition forms and steps are cheap."""
        shares = [1 / side for side in self.long_sides()]
        ends = [round(self.steps * sum(shares[:level]) / sum(shares)) for level in range(len(shares) + 1)]
        return [max(1, end - start) for start, end in pairwise(ends)]


def comparison(options: PaintOptions) -> Comparison:
    """What content and style of a painting compare.

    In bfloat16 the network's products lose digits that a painting does not show, and take less than half the time.
    """
    half, on_gpu = options.bfloat16, options.device.startswith("cuda")
    if half is None:
        half = torch.cuda.is_bf16_supported() if on_gpu else options.device == "cpu" and fast_bfloat16()
    return Comparison(
        options.content_layers,
        options.style_layers,
        normalize_content=options.normalize_content,
        tile_px=options.tile_px,
        half=half,
    )


def _at_least(name: str, value: int, minimum: int) -> None:
    if value < minimum:
        raise UsageError(f"{name} is {value}; it is at least {minimum}")


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"unknown {name} '{value}'; {suggest(value, known)}")
