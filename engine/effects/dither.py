"""Error diffusion after R. W. Floyd and L. Steinberg, "An adaptive algorithm for spatial greyscale", 1976.

A pixel passes its error on: 7/16 to the right, 3/16, 5/16 and 1/16 to the three pixels below. Pixels with the same
x + 2 y do not depend on each other, so a W x H picture takes W + 2 H array operations instead of W * H steps:

    x   0 1 2 3 4
    y 0 a b c d e      all `c` are done at once
      1 c d e f g
      2 e f g h i
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..frame import Image

RIGHT, BELOW_LEFT, BELOW, BELOW_RIGHT = 7 / 16, 3 / 16, 5 / 16, 1 / 16


def floyd_steinberg(image: Image, palette: Image) -> Image:
    """Maps a picture to the colours of a palette, with error diffusion.

    Args:
        image: uint8 [H, W, 3].
        palette: uint8 [k, 3].

    Returns:
        uint8 [H, W, 3], only colours of the palette.
    """
    height, width = image.shape[:2]
    # One column of padding left and right and one row below receive the errors that leave the picture.
    wanted = np.zeros((height + 1, width + 2, 3), np.float32)
    wanted[:height, 1:-1] = image
    colors = palette.astype(np.float32)
    painted = np.empty_like(image)
    for diagonal in range(width + 2 * (height - 1)):
        first = max(0, -(-(diagonal - width + 1) // 2))
        y = np.arange(first, min(height - 1, diagonal // 2) + 1)
        x = diagonal - 2 * y
        values = wanted[y, x + 1].clip(0, 255)
        labels = _nearest(values, colors)
        painted[y, x] = palette[labels]
        error = values - colors[labels]
        wanted[y, x + 2] += error * np.float32(RIGHT)
        wanted[y + 1, x] += error * np.float32(BELOW_LEFT)
        wanted[y + 1, x + 1] += error * np.float32(BELOW)
        wanted[y + 1, x + 2] += error * np.float32(BELOW_RIGHT)
    return painted


def _nearest(values: NDArray[np.float32], colors: NDArray[np.float32]) -> NDArray[np.intp]:
    labels: NDArray[np.intp] = (np.square(colors).sum(1) - 2 * values @ colors.T).argmin(1)
    return labels
