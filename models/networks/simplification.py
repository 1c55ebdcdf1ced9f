"""Simplifies a photograph before it is painted: fur and gravel become patches with crisp borders, as painters see them.

Every pixel takes the mean of the calmest of the four squares that have a corner in it, so that no mean crosses an edge;
where none is calm, it stays as it is.
Sources: Kuwahara et al., "Processing of RI-angiocardiographic images", 1976; the soft choice by a power of the squares'
unrest: Papari et al., "Artistic edge and corner enhancing smoothing", IEEE TIP 2007, doi 10.1109/TIP.2007.903912. The
unrest is the mean squared difference of neighbours and not the variance, because it stays accurate in bfloat16.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..losses import luminance

#: Unrest below which squares count as equally calm, and the one from which a pixel rather stays as it is: eyes and
#: mouths are smaller than a square.
CALM, LEFT = 1e-3, 7e-3
#: Weight of the pixel itself beside four squares.
OWN = 4 * (CALM / (LEFT + CALM)) ** 4


def simplified(image: Tensor, square_px: int) -> Tensor:
    """Replaces each pixel by the mean of the calmest square around it.

    Args:
        image: float [N, 3, H, W], RGB in [0, 1].
        square_px: Side of the squares; 1 for the image as it is.

    Returns:
        float32 [N, 3, H, W], rounded to 256 levels, as the exported model paints it.
    """
    if square_px == 1:
        return image
    apart = square_px - 1
    with torch.autocast(image.device.type, enabled=False):
        image = image.float()
        luma = luminance(image)
        ahead = F.pad(luma, (0, 1, 0, 1), mode="replicate")
        down = (ahead[:, :, 1:, :-1] - luma).square()
        across = (ahead[:, :, :-1, 1:] - luma).square()
        wide = F.pad(torch.cat([image, down, across], dim=1), (apart,) * 4, mode="replicate")
        colors = F.avg_pool2d(wide[:, :3], square_px, stride=1)
        # the difference to the next pixel leads out of the square in its last row or column, where it does not count
        unrest = F.avg_pool2d(wide[:, 3:4, :-1], (apart, square_px), stride=1)
        unrest = unrest + F.avg_pool2d(wide[:, 4:, :, :-1], (square_px, apart), stride=1)
        calm = (CALM / (unrest + CALM)) ** 4
        weighed = _sum_of_four(torch.cat([colors * calm, calm], dim=1), apart)
        return ((weighed[:, :3] + OWN * image) / (weighed[:, 3:] + OWN) * 255).round() / 255


def _sum_of_four(squares: Tensor, apart: int) -> Tensor:
    """Sum over the four squares with a corner in each pixel: [N, C, H + apart, W + apart] -> [N, C, H, W]."""
    pairs = squares[:, :, :-apart] + squares[:, :, apart:]
    return pairs[:, :, :, :-apart] + pairs[:, :, :, apart:]
