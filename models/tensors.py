"""Converts pictures to tensors for the networks, and back."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..engine.errors import InputError
from ..engine.frame import Image, check_image

#: Largest aspect ratio of a picture.
MAXIMUM_ASPECT = 12


def tensor_from_image(image: Image) -> Tensor:
    """Converts uint8 [H, W, 3] BGR to float [1, 3, H, W] RGB in [0, 1]."""
    rgb = np.ascontiguousarray(check_image(image)[:, :, ::-1])
    return torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255


def image_from_tensor(picture: Tensor) -> Image:
    """Converts float [1, 3, H, W] RGB, clipped to [0, 1], to uint8 [H, W, 3] BGR."""
    rgb = (picture[0].detach().clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    return np.ascontiguousarray(rgb[:, :, ::-1])


def resized(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """Resizes [N, C, H, W] to (height, width): bicubic, antialiased when shrinking."""
    if tuple(picture.shape[2:]) == size:
        return picture
    return F.interpolate(picture, size=size, mode="bicubic", align_corners=False, antialias=True)


def size_with_long_side(height: int, width: int, long_px: int) -> tuple[int, int]:
    """(height, width) with the same proportions and a long side of `long_px`.

    Raises:
        InputError: The picture is too thin: its short side would vanish.
    """
    longest, shortest = max(height, width), min(height, width)
    if longest > MAXIMUM_ASPECT * shortest:
        raise InputError(f"a picture of {width}x{height} is too thin: at most {MAXIMUM_ASPECT} to 1")
    scale = long_px / longest
    return max(1, round(height * scale)), max(1, round(width * scale))
