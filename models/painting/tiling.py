"""Tiles: cuts a picture into overlapping pieces with exactly the features of the whole picture.

┌──────────────┬───────        outer = core and a halo as wide as the network's receptive field
│ core │ halo  │               the cores meet without a gap, all their borders on multiples of the stride
│──────┘       │
│   halo       │               features of the core are those of the whole picture, so sums over
└──────────────┘               cores are sums over the picture, and no seam can form
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import Tensor

from ...engine.errors import UsageError

#: Borders of tiles are multiples of this number of pixels, the stride of relu5_1.
GRID_PX = 16
#: Convolutions of each stage of VGG-19 (VGG-16 has fewer).
_CONVOLUTIONS = (2, 2, 4, 4, 4)


@dataclass(frozen=True)
class Span:
    """One side of a tile, in pixels of the picture: outer `start` to `end`, core `core_start` to `core_end`."""

    start: int
    end: int
    core_start: int
    core_end: int
    is_last: bool

    def core(self, stride: int) -> slice:
        """The slice of the core in a feature map of the outer tile."""
        end = None if self.is_last else (self.core_end - self.start) // stride
        return slice((self.core_start - self.start) // stride, end)

    def whole(self, stride: int) -> slice:
        """The slice of the core in a feature map of the whole picture."""
        return slice(self.core_start // stride, None if self.is_last else self.core_end // stride)


@dataclass(frozen=True)
class Tile:
    """A tile: its rows and columns."""

    rows: Span
    columns: Span

    def crop(self, image: Tensor) -> Tensor:
        """Crops the outer tile from a picture [N, C, H, W]."""
        return image[:, :, self.rows.start : self.rows.end, self.columns.start : self.columns.end]

    def core(self, features: Tensor, stride: int) -> Tensor:
        """Crops the core from features [N, C, h, w] of the outer tile."""
        return features[:, :, self.rows.core(stride), self.columns.core(stride)]

    def part(self, features: Tensor, stride: int) -> Tensor:
        """Crops the core from features [N, C, h, w] of the whole picture."""
        return features[:, :, self.rows.whole(stride), self.columns.whole(stride)]


def tiles(height: int, width: int, *, tile_px: int, halo_px: int) -> list[Tile]:
    """Cuts a picture into tiles of similar size, none much larger than requested.

    Args:
        height: Height of the picture in pixels.
        width: Width of the picture in pixels.
        tile_px: Longest side of a core, rounded to the grid; 0 for a single tile.
        halo_px: Overlap on each side, a multiple of 16.

    Raises:
        UsageError: `tile_px` is positive but below 64.
    """
    if 0 < tile_px < 4 * GRID_PX:
        raise UsageError(f"a tile must be at least {4 * GRID_PX} px wide, got {tile_px}")
    rows = _spans(height, tile_px, halo_px)
    return [Tile(row, column) for row in rows for column in _spans(width, tile_px, halo_px)]


def _spans(length: int, tile_px: int, halo_px: int) -> list[Span]:
    count = 1 if tile_px == 0 else -(-length // tile_px)
    cuts = [round(index * length / count / GRID_PX) * GRID_PX for index in range(count)] + [length]
    return [
        Span(max(0, start - halo_px), min(length, end + halo_px), start, end, end == length)
        for start, end in pairwise(cuts)
    ]


def stage(layer: str) -> int:
    """The VGG stage of a layer: 4 for relu4_1."""
    return int(layer[4])


def stride(layer: str) -> int:
    """The stride of a layer's features in pixels of the picture."""
    return 1 << (stage(layer) - 1)


def halo(layers: tuple[str, ...]) -> int:
    """Halo in pixels for exact cores of these layers: their receptive radius, rounded up to the grid.

    relu5_1 needs 80, relu4_1 32, relu3_1 16.
    """
    radius = max((_radius(layer) for layer in layers), default=0)
    return -(-radius // GRID_PX) * GRID_PX


def _radius(layer: str) -> int:
    last, index = stage(layer), int(layer[6:])
    radius = sum(count << number for number, count in enumerate(_CONVOLUTIONS[: last - 1]))
    return radius + index * stride(layer)
