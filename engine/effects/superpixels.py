"""Superpixels: a picture in regions of similar colour, by SLIC.

They run the stage of the zoo; `method="exact"` uses scikit-image instead (slower, only pictures).
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError, check_known
from ..frame import Image, check_image, write_image
from .effect_stage import METHODS, EffectStage
from .exact import exact_labels


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """A picture in superpixels.

    Args:
        image: uint8 [H, W, 3], BGR, every region in its mean colour.
        labels: int32 [H, W], numbers from 0 without gaps.
        count: Number of regions.
    """

    image: Image
    labels: NDArray[np.int32]
    count: int

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the picture; the suffix chooses the format.

        Raises:
            OutputError: Unknown suffix, or the file cannot be written.
        """
        write_image(path, self.image)

    def __repr__(self) -> str:
        """Shapes instead of pixels."""
        height, width, _ = self.image.shape
        return f"Regions({width}x{height}, count={self.count})"


def superpixels(
    image: Image,
    n: int = 800,
    *,
    compactness: float = 10.0,
    outline: bool = False,
    method: str = "stage",
    provider: str = "auto",
    effect: EffectStage | None = None,
) -> Regions:
    """Splits a picture into about `n` regions of similar colour, each filled with its mean colour.

    Args:
        image: uint8 [H, W, 3], BGR.
        n: Requested number of regions.
        compactness: Weight of distance against colour; higher gives rounder regions.
        outline: Draw the borders in black.
        method: "stage", or "exact": scikit-image's slic, whose regions are connected.
        provider: Backend of the stage.
        effect: A `superpixels_effect` to reuse for many pictures; `provider` is then ignored.

    Raises:
        UsageError: `n` below 1 or above the number of pixels, a compactness that is not positive, an unknown method.
        UnsupportedImageError: `image` is not a picture.
        MissingExtraError: "exact" without scikit-image.

    Example:
        >>> mosaic = artrt.superpixels(artrt.read_image("photo.jpg"), n=400)
        >>> mosaic.labels.max() + 1 == mosaic.count
        True
    """
    check_image(image)
    check_known("method", method, METHODS)
    check_regions(n, compactness, image)
    if method == "exact":
        return _exact_regions(image, exact_labels(image, n, compactness), outline=outline)
    own = effect or superpixels_effect(n, provider=provider)
    try:
        values = {"regions": float(n), "compactness": compactness, "outline": float(outline)}
        results = own.run(image, own.fresh(), **values)
    finally:
        if effect is None:
            own.close()
    used, labels = np.unique(results["labels"], return_inverse=True)
    return Regions(results["output"], labels.reshape(image.shape[:2]).astype(np.int32), len(used))


def superpixels_effect(
    n: int = 800,
    *,
    compactness: float = 10.0,
    outline: float = 0.0,
    provider: str = "auto",
    threads: int | None = None,
) -> EffectStage:
    """Superpixels for video: regions follow the picture and restart at a cut.

    Raises:
        UsageError: `n` below 1, or too many for the stage.
    """
    controls = {"regions": float(n), "compactness": compactness, "outline": outline}
    effect = EffectStage("superpixels", controls, provider=provider, threads=threads)
    most = effect.stage.controls["regions"].maximum or np.inf
    if not 1 <= n <= most:
        effect.close()
        raise UsageError(f"superpixels: 1 to {most:g} regions, got {n}")
    return effect


def check_regions(n: int, compactness: float, image: Image) -> None:
    """Raises UsageError for an impossible number of regions, or a compactness that is not positive."""
    pixels = image.shape[0] * image.shape[1]
    if not 1 <= n <= pixels:
        raise UsageError(
            f"superpixels: 1 to {pixels} regions in {image.shape[1]}x{image.shape[0]} pixels, got {n}"
        )
    if not (np.isfinite(compactness) and compactness > 0):
        raise UsageError(f"superpixels: the compactness is a positive number, got {compactness}")


def _exact_regions(image: Image, labels: NDArray[np.int32], *, outline: bool) -> Regions:
    count = int(labels.max()) + 1
    flat = labels.reshape(-1)
    sizes = np.maximum(np.bincount(flat, minlength=count), 1)
    sums = [np.bincount(flat, image[..., channel].reshape(-1), minlength=count) for channel in range(3)]
    means = np.round(np.stack(sums, axis=1) / sizes[:, None]).astype(np.uint8)
    painted = means[labels]
    if outline:
        edge = np.zeros(labels.shape, bool)
        edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
        edge[:-1] |= labels[:-1] != labels[1:]
        painted[edge] = 0
    return Regions(painted, labels, count)
