"""Which features of a loss network are compared, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..networks.loss_networks import CONTENT_LAYER
from .matching import MATCH_LAYERS

#: Layers of the style term with their shares: shallow layers keep strokes clean, relu3_1 shapes them.
STYLE_SHARES = {
    "relu1_1": 2.0,
    "relu2_1": 2.0,
    "relu3_1": 2.0,
    "relu3_3": 1.0,
    "relu4_1": 1.0,
    "relu5_1": 0.3,
}


@dataclass(frozen=True)
class Comparison:
    """Which features are compared.

    Attributes:
        content_layers: Layers of the content term.
        style_layers: Layers of the style term, each with its share.
        match_layers: Layers of one resolution for nearest-neighbour matching.
        normalize_content: Compare instance-normalised features, so that the palette can change.
        tile_px: Side of the tiles; 0 for the whole picture at once.
        half: Run the loss network in bfloat16; statistics stay in float32.
    """

    content_layers: tuple[str, ...] = (CONTENT_LAYER,)
    style_layers: Mapping[str, float] = field(default_factory=lambda: dict(STYLE_SHARES))
    match_layers: tuple[str, ...] = MATCH_LAYERS
    normalize_content: bool = True
    tile_px: int = 0
    half: bool = False

    @property
    def layers(self) -> tuple[str, ...]:
        """All layers, shallow to deep."""
        return tuple(sorted({*self.content_layers, *self.style_layers, *self.match_layers}))
