"""OpenCV versions of graphs/reduce.py and graphs/enlarge.py: painting at a working size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..engine.frame import Image
from .graphs.enlarge import LARGEST_GAIN, LUMA_BGR, NOISE, WINDOW_PX

Planes = NDArray[np.float32]


def reduced(frame: Image, size: tuple[int, int]) -> Planes:
    """Reduces the frame by area averaging.

    Args:
        frame: uint8 [H, W, 3].
        size: (h, w), no side longer than the frame's.

    Returns:
        float32 [h, w, 3] in [0, 255].
    """
    small = cv2.resize(frame.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(small.reshape(*size, 3), np.float32)


def reduced_as_graph(frame: Image, size: tuple[int, int]) -> Planes:
    """The frame by area, in the graph's own steps.

    A mean halfway between two bytes is rounded by its last bit, and the network makes several levels of that one. At
    4:3, one mean in sixteen is such a one.

    Args:
        frame: uint8 [H, W, 3].
        size: (h, w), each side at most as long as before.

    Returns:
        float32 [h, w, 3] in [0, 255].
    """
    rows, columns = (_overlaps(*lengths) for lengths in zip(frame.shape[:2], size, strict=True))
    half = np.tensordot(rows, frame.astype(np.float32), 1)
    return np.ascontiguousarray(np.tensordot(columns, half, (1, 1)).transpose(1, 0, 2), np.float32)


def _overlaps(source: int, result: int) -> Planes:
    """Weights of the source's elements in each of the result: float32 [result, source]."""
    step = np.float32(source) / np.float32(result)
    low = np.minimum(np.arange(result, dtype=np.float32)[:, None] * step, np.float32(source - 1))
    column = np.arange(source, dtype=np.float32)
    overlap = np.minimum(low + step, column + 1) - np.maximum(low, column)
    return np.asarray(np.maximum(overlap, 0) / step, np.float32)


def enlarged(
    frame: Image,
    painted: Image,
    small: Planes,
    *,
    strength: float = 1.0,
    keep_salient: float = 0.0,
    mask: Planes | None = None,
    preserve_colors: float = 0.0,
) -> Image:
    """Enlarges the painting with the frame's edges, and blends it with the frame.

    Args:
        frame: uint8 [H, W, 3].
        painted: uint8 [h, w, 3].
        small: The reduced frame, float32 [h, w, 3].
        strength: 0 is the frame, 1 the painting.
        keep_salient: Share of the frame where the mask is 1.
        mask: float32 [m, n] in [0, 1]; zero when None.
        preserve_colors: Share of the frame's chroma.

    Returns:
        uint8 [H, W, 3].
    """
    height, width = small.shape[:2]
    luma = np.array(LUMA_BGR, np.float32)
    painting = painted.astype(np.float32)
    change = small - painting
    kept_chroma: Planes = (change - (change @ luma)[..., None]) * np.float32(preserve_colors)
    painting = painting + kept_chroma
    of_frame, of_painting = (plane - _mean(plane) for plane in (small @ luma, painting @ luma))
    gain = _mean(of_frame * of_painting) / (_mean(of_frame * of_frame) + NOISE)
    gain = np.clip(gain, 0, LARGEST_GAIN)[..., None]
    mask = np.zeros((1, 1), np.float32) if mask is None else mask
    kept = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR).reshape(height, width, 1)
    weight = np.asarray(strength * (1 - keep_salient * kept), np.float32)
    offset = _full(np.asarray(weight * (painting - gain * small), np.float32), frame.shape)
    gain = _full(np.asarray(1 + weight * (gain - 1), np.float32), frame.shape)
    return np.asarray((offset + gain * frame).round().clip(0, 255), np.uint8)


def _mean(plane: Planes) -> Planes:
    mean = cv2.blur(plane, (WINDOW_PX, WINDOW_PX), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(mean, np.float32)


def _full(planes: Planes, shape: tuple[int, ...]) -> Planes:
    large = cv2.resize(planes.astype(np.float32), shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(large.reshape(*shape[:2], -1), np.float32)
