"""The exact methods: scikit-learn's KMeans and scikit-image's slic, for single pictures and as references."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingExtraError
from ..frame import Image

RESTARTS = 3


def exact_palette(image: Image, k: int) -> Image:
    """The palette by scikit-learn's KMeans on all pixels.

    Args:
        image: uint8 [H, W, 3], BGR, with at least `k` distinct colours.
        k: Number of colours.

    Returns:
        uint8 [k, 3], BGR.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.cluster import KMeans
    except ImportError as error:
        raise MissingExtraError(
            "quantize with the exact method", package="scikit-learn", extra="train"
        ) from error
    fitted = KMeans(k, n_init=RESTARTS, random_state=0).fit(image.reshape(-1, 3).astype(np.float32))
    palette: Image = np.round(fitted.cluster_centers_).clip(0, 255).astype(np.uint8)
    return palette


def exact_labels(image: Image, n: int, compactness: float) -> NDArray[np.int32]:
    """Connected superpixels by scikit-image's slic.

    Args:
        image: uint8 [H, W, 3], BGR.
        n: Requested number of regions.
        compactness: Weight of distance against colour.

    Returns:
        int32 [H, W], numbers from 0 without gaps.

    Raises:
        MissingExtraError: scikit-image is not installed.
    """
    try:
        from skimage.segmentation import slic
    except ImportError as error:
        raise MissingExtraError(
            "superpixels with the exact method", package="scikit-image", extra="train"
        ) from error
    found = slic(image[..., ::-1], n, compactness=compactness, enforce_connectivity=True, start_label=0)
    _, labels = np.unique(found, return_inverse=True)
    return labels.reshape(image.shape[:2]).astype(np.int32)
