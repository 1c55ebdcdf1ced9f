"""Many training paintings, kept in memory and cropped at random scales."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..photos import find_photographs, load_photographs, split_held_out, unit_range

HELD_OUT = 16
#: Range of long sides in pixels to which large paintings are reduced before cropping.
LONG_SIDE_PX = (320, 640)


class PaintingPool:
    """Paintings from several folders; all folders are used equally often, independent of their size.

    Args:
        folders: Folders of pictures; of each the `HELD_OUT` of smallest hash are left out, to be judged by.
        crop_px: Side of what is drawn.

    Raises:
        InputError: A folder is missing or has no pictures.
    """

    def __init__(self, folders: Sequence[Path], *, crop_px: int = 256) -> None:
        self.crop_px = crop_px
        self.folders = [
            load_photographs(
                split_held_out(find_photographs(folder), count=HELD_OUT)[0], short_side_px=1024
            ).images
            for folder in folders
        ]

    def crops(self, rng: np.random.Generator, size: int) -> npt.NDArray[np.uint8]:
        """Random crops: uint8 [size, crop_px, crop_px, 3], RGB."""
        return np.stack([self._crop(rng) for _ in range(size)])

    def batch(self, rng: np.random.Generator, size: int) -> Tensor:
        """The same as float [size, 3, crop_px, crop_px], RGB in [0, 1]."""
        return unit_range(torch.from_numpy(self.crops(rng, size)))

    def _crop(self, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
        images = self.folders[int(rng.integers(len(self.folders)))]
        image, side = images[int(rng.integers(len(images)))], self.crop_px
        scale = min(1.0, rng.uniform(*LONG_SIDE_PX) / max(image.shape[:2]))
        scale = max(scale, side / min(image.shape[:2]))
        height, width = (max(side, round(length * scale)) for length in image.shape[:2])
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        resized = cv2.resize(image, (width, height), interpolation=interpolation)
        top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
        crop = resized[top : top + side, left : left + side]
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        return np.ascontiguousarray(crop, dtype=np.uint8)
