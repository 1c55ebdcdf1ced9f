"""Metrics of one painting against its photograph: pure functions of pictures, masks and flow.

Pictures are uint8 [H, W, 3], BGR; every docstring gives the formula. Metrics of deep features are
in :mod:`.squeezenet_scores`.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ...engine.errors import UsageError
from ...engine.frame import Image

Plane = NDArray[np.float32]

SSIM_SIGMA_PX = 1.5
SSIM_RADIUS_PX = 5
EDGE_SHARE = 0.1
EDGE_TOLERANCE_PX = 2
TOP_SHARE = 0.2


def luma(image: Image) -> Plane:
    """Luma (BT.601) of BGR: float32 [H, W] in [0, 1]."""
    return np.asarray(
        image.astype(np.float32) @ np.array([0.114, 0.587, 0.299], np.float32) / 255, np.float32
    )


def ssim(first: Image, second: Image) -> float:
    """Structural similarity of luma in [-1, 1], Gaussian window (sigma 1.5 px, 11x11), only windows inside the picture.

    Source: Wang et al., "Image quality assessment", TIP 2004, doi 10.1109/TIP.2003.819861.

    Raises:
        UsageError: The sizes differ.
    """
    _same_size(first, second)
    a, b = luma(first).astype(np.float64), luma(second).astype(np.float64)
    mean_a, mean_b = _window(a), _window(b)
    variance_a, variance_b = _window(a * a) - mean_a**2, _window(b * b) - mean_b**2
    covariance = _window(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    likeness = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    likeness /= (mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)
    return float(_without_rim(likeness, SSIM_RADIUS_PX).mean())


def edge_f1(painting: Image, photograph: Image) -> float:
    """F1 score of the painting's edges against the photograph's.

    Edges are the 10 % of pixels with the largest Sobel magnitude of the blurred luma (sigma 1 px); an edge counts as
    found if the other picture has one within two pixels.

    Raises:
        UsageError: The sizes differ.
    """
    _same_size(painting, photograph)
    found, wanted = _edges(painting), _edges(photograph)
    kernel = np.ones((2 * EDGE_TOLERANCE_PX + 1,) * 2, np.uint8)
    precision = float(cv2.dilate(wanted, kernel)[found > 0].mean()) if found.any() else 0.0
    recall = float(cv2.dilate(found, kernel)[wanted > 0].mean()) if wanted.any() else 0.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def top_iou(first: Plane, second: Plane, *, share: float = TOP_SHARE) -> float:
    """Intersection over union of the largest `share` of the values of two maps [h, w]."""
    a, b = _largest(first, share), _largest(second, share)
    return float((a & b).sum() / (a | b).sum())


def mask_iou(first: Plane, second: Plane, *, threshold: float = 0.5) -> float:
    """Intersection over union of two masks [h, w] at `threshold`; 1 if both are empty."""
    a, b = first >= threshold, second >= threshold
    union = float((a | b).sum())
    return float((a & b).sum()) / union if union else 1.0


def warping_error(first: Image, second: Image, flow: NDArray[np.float32], valid: NDArray[np.bool_]) -> float:
    """Mean squared difference, in [0, 1], of a painted frame and the next one warped back onto it.

        second(p + flow(p)) - first(p),  over valid pixels p that stay inside

    Args:
        first: The painted frame.
        second: The next painted frame.
        flow: float32 [H, W, 2], motion of each pixel of the first frame, in pixels (x, y).
        valid: bool [H, W], False where the pixel is hidden in the second frame or its flow is unknown.

    Returns:
        The error; 0 if no pixel is valid.

    Source: Lai et al., "Learning blind video temporal consistency", ECCV 2018.
    """
    _same_size(first, second)
    height, width = first.shape[:2]
    x = np.arange(width, dtype=np.float32)[None] + flow[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    back = cv2.remap(second.astype(np.float32), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = valid & (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    difference = (back - first.astype(np.float32))[inside] / 255
    return float(np.square(difference).mean()) if difference.size else 0.0


def _window(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    size = 2 * SSIM_RADIUS_PX + 1
    return np.asarray(cv2.GaussianBlur(plane, (size, size), SSIM_SIGMA_PX), np.float64)


def _without_rim(plane: NDArray[np.float64], rim: int) -> NDArray[np.float64]:
    """Crops the rim of a plane; returns the whole plane if it is not larger than its rims."""
    return plane[rim:-rim, rim:-rim] if min(plane.shape) > 2 * rim else plane


def _edges(image: Image) -> Image:
    """1 at the strongest 10 % of the gradients, else 0: uint8 [H, W]."""
    smooth = cv2.GaussianBlur(luma(image), (0, 0), 1.0)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, dx, 1 - dx) for dx in (1, 0))
    magnitude = np.hypot(across, down)
    threshold = np.quantile(magnitude, 1 - EDGE_SHARE)
    return np.asarray((magnitude >= threshold) & (magnitude > 1e-4), np.uint8)


def _largest(values: Plane, share: float) -> NDArray[np.bool_]:
    count = max(1, round(values.size * share))
    chosen = np.zeros(values.size, np.bool_)
    chosen[np.argsort(values.ravel(), kind="stable")[-count:]] = True
    return chosen


def _same_size(first: Image, second: Image) -> None:
    if first.shape != second.shape:
        sizes = " and ".join(f"{image.shape[1]}x{image.shape[0]}" for image in (first, second))
        raise UsageError(f"pictures to compare must have the same size, these have {sizes}")
