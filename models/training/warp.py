"""Random smooth motion, to train against flicker with photographs only."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Warp:
    """A motion field.

    Attributes:
        grid: float [N, H, W, 2], source position of each pixel in [-1, 1], for `grid_sample`.
        valid: float [N, 1, H, W], 1 where the source position is inside the picture.
    """

    grid: Tensor
    valid: Tensor

    def __call__(self, image: Tensor) -> Tensor:
        """Warps float [N, C, H, W] (bilinear)."""
        return F.grid_sample(image, self.grid, mode="bilinear", padding_mode="border", align_corners=False)


def random_warp(
    count: int,
    height: int,
    width: int,
    *,
    generator: torch.Generator,
    shift_px: float = 40.0,
    zoom: float = 0.06,
    smooth_px: float = 4.0,
) -> Warp:
    """A random shift and zoom, plus a random flow that varies smoothly.

    Args:
        count: Pictures N.
        height: Height H in pixels.
        width: Width W in pixels.
        generator: Source of randomness (CPU).
        shift_px: Largest shift each way. A large one also teaches that strokes do not depend on how far the rim is,
            so that no band forms along a side.
        zoom: Largest relative change of size.
        smooth_px: Deviation of the smooth flow, drawn on a 4x4 grid and interpolated bicubically.
    """

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=generator) * 2 - 1

    pixel = torch.tensor([2 / width, 2 / height])
    y, x = torch.meshgrid(_centres(height), _centres(width), indexing="ij")
    identity = torch.stack([x, y], dim=-1)[None]
    flow = torch.randn((count, 2, 4, 4), generator=generator) * smooth_px
    flow = F.interpolate(flow, (height, width), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    grid = (
        identity * (1 + zoom * uniform(count, 1, 1, 1)) + (flow + shift_px * uniform(count, 1, 1, 2)) * pixel
    )
    valid = (grid.abs().amax(dim=-1) <= 1)[:, None].float()
    return Warp(grid, valid)


def _centres(count: int) -> Tensor:
    return (torch.arange(count) + 0.5) * 2 / count - 1
