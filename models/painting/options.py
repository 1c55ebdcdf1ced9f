"""The options of `paint`, checked on creation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import pairwise

import torch

from ...engine.errors import UsageError, check_known
from ..device import fast_bfloat16
from ..networks.loss_networks import CONTENT_LAYER
from .comparison import STYLE_SHARES, Comparison
from .objective import SALIENT_SHARE, STYLE_SCALES, LossWeights

INITS = ("stylized", "photo", "noise", "blur", "style")
#: Ratio between the sizes of successive levels.
GROWTH = 1.4
#: The steps of a level are as 1 / side ** STEPS_EXPONENT. At 1, the last level ends unfinished.
STEPS_EXPONENT = 0.4
OPTIMIZERS = ("lbfgs", "adam")
PRESERVED_COLORS = ("luminance", "histogram")
#: Smallest size of a painting and of a style picture, in pixels.
MINIMUM_PX = 64

#: Weights chosen by eye on photographs of animals, buildings, streets and people.
DEFAULT_WEIGHTS = LossWeights(content=0.65, style=10.0, region=0.2, tv=5.0)


def usual_init() -> str:
    """The default start: `stylized` if ONNX Runtime, which reads the styles, is installed; otherwise `photo`."""
    return "stylized" if find_spec("onnxruntime") else "photo"


@dataclass(frozen=True)
class PaintOptions:
    """Options of a painting.

    Attributes:
        size_px: Longer side of the painting.
        steps: Total number of steps over all levels.
        weights: Weight of each loss.
        style_weights: Share of each style, scaled to the sum 1; None means equal shares.
        style_scale: Size of the styles relative to the painting; a larger value gives larger strokes.
        init: What to start from: `stylized` (the feed-forward network's painting in these styles), `photo`, `noise`,
            `blur` (the photograph without its details) or `style`; see `usual_init`.
        optimizer: `lbfgs` or `adam`.
        coarse_px: Smallest long side of the first level; each level is 1.4 times larger, the last has `size_px`.
        preserve_color: `luminance` paints only the luma, `histogram` gives the styles the photograph's colours.
        tile_px: Side of the tiles for large pictures; 0 for none.
        seed: Seed of the noise.
        content_layers: Layers of the content term.
        normalize_content: Use instance-normalised features in the content term: forms without the palette.
        style_layers: Layers of the style term, each with its share.
        style_scales: The style is compared at the painting's size divided by each of these numbers.
        salient_share: Additional weight of the content in salient regions.
        bfloat16: Run the loss network in bfloat16; by default if the device supports it in hardware.
        device: torch's name of the device.

    Raises:
        UsageError: A value out of range.
    """

    size_px: int = 512
    steps: int = 200
    weights: LossWeights = field(default_factory=lambda: DEFAULT_WEIGHTS)
    style_weights: tuple[float, ...] | None = None
    style_scale: float = 1.0
    init: str = field(default_factory=usual_init)
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
        check_known("init", self.init, INITS)
        check_known("optimizer", self.optimizer, OPTIMIZERS)
        if self.preserve_color is not None:
            check_known("way to preserve colour", self.preserve_color, PRESERVED_COLORS)
        if not 0.1 <= self.style_scale <= 10:
            raise UsageError(f"the style scale must be between 0.1 and 10, got {self.style_scale}")
        if self.tile_px:
            _at_least("tile", self.tile_px, 2 * MINIMUM_PX)
        if not self.style_scales or any(scale < 1 for scale in self.style_scales):
            raise UsageError(f"style scales must be 1 or more, got {self.style_scales}")
        if not 0 <= self.salient_share < float("inf"):
            raise UsageError(f"the salient share must be 0 or more, got {self.salient_share}")
        if any(not 0 <= weight < float("inf") for weight in self.style_weights or ()):
            raise UsageError(f"style weights must be 0 or more, got {self.style_weights}")

    def shares(self, count: int) -> tuple[float, ...]:
        """Shares of `count` styles, with the sum 1.

        Raises:
            UsageError: The numbers of weights and styles differ, or all weights are 0.
        """
        given = self.style_weights or (1.0,) * count
        if len(given) != count:
            raise UsageError(f"{len(given)} style weights for {count} styles")
        if count and sum(given) <= 0:
            raise UsageError("all style weights are 0")
        return tuple(weight / sum(given) for weight in given)

    def long_sides(self) -> list[int]:
        """Long side of each level in pixels, coarse to fine."""
        sides = [self.size_px]
        while (side := round(self.size_px / GROWTH ** len(sides))) >= self.coarse_px:
            sides.append(side)
        return sides[::-1]

    def steps_of_levels(self) -> list[int]:
        """Steps of each level, coarse to fine: most at small sizes, where the composition forms and steps are cheap."""
        shares = [1 / side**STEPS_EXPONENT for side in self.long_sides()]
        ends = [round(self.steps * sum(shares[:level]) / sum(shares)) for level in range(len(shares) + 1)]
        return [max(1, end - start) for start, end in pairwise(ends)]


def comparison(options: PaintOptions) -> Comparison:
    """The comparison for content and style of a painting.

    In bfloat16 the network takes less than half the time; the lost precision is not visible in a painting.
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
        raise UsageError(f"{name} must be at least {minimum}, got {value}")
