"""Colour quantization: a picture in few colours, by k-means.

It runs the stage of the zoo; `method="exact"` uses scikit-learn instead (slower, only pictures).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError, check_known
from ..files import write_bytes
from ..frame import Image, check_image, encode_image
from ..pictures.about import NOTHING, About
from .dither import floyd_steinberg
from .effect_stage import METHODS, EffectStage
from .exact import exact_palette
from .palettes import indexed_png

Array = NDArray[Any]

DITHERS = ("none", "floyd-steinberg")
FEWEST_COLORS, MOST_COLORS = 2, 256
POLISHING_RUNS = 3
LEARNING_SIDE_PX = 1024
BAND_SCORES = 2**28
"""Limit of pixels times colours for one run; the stage keeps an eighth of them in memory as float32."""


@dataclass(frozen=True, slots=True, eq=False)
class Quantized:
    """A picture in few colours.

    Args:
        image: uint8 [H, W, 3], BGR.
        palette: uint8 [k, 3], BGR, the used colours, most frequent first.
        labels: uint8 [H, W], the palette index of every pixel.
        notice: A message for the user, or None.
        alpha: The given alpha, uint8 [H, W], or None.
    """

    image: Image
    palette: Image
    labels: NDArray[np.uint8]
    notice: str | None = None
    alpha: Image | None = None

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of visible pixels of every palette colour, [k]."""
        labels = self.labels if self.alpha is None else self.labels[self.alpha > 0]
        return np.bincount(labels.reshape(-1), minlength=len(self.palette)).astype(np.int64)

    def encoded(self, suffix: str, *, about: About = NOTHING) -> bytes:
        """Encodes a picture file; a PNG is indexed, which is smaller, if the palette has at most 256 entries.

        Args:
            suffix: The format.
            about: Metadata of the file.

        Raises:
            OutputError: Unknown suffix, or the picture cannot be encoded.
        """
        indexed = None
        if suffix.lower() == ".png":
            indexed = indexed_png(self.labels, self.palette, alpha=self.alpha, about=about)
        return indexed or encode_image(self.image, suffix, alpha=self.alpha, about=about)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the picture; the suffix chooses the format.

        Raises:
            OutputError: Unknown suffix, or the file cannot be written.
        """
        write_bytes(path, self.encoded(Path(path).suffix))

    def __repr__(self) -> str:
        """Shapes instead of pixels."""
        height, width, _ = self.image.shape
        return f"Quantized({width}x{height}, {len(self.palette)} colours, notice={self.notice!r})"


def quantize(
    image: Image,
    k: int = 16,
    *,
    alpha: Image | None = None,
    method: str = "stage",
    dither: str = "none",
    provider: str = "auto",
    effect: EffectStage | None = None,
) -> Quantized:
    """Reduces a picture to at most `k` colours by k-means.

    Args:
        image: uint8 [H, W, 3], BGR.
        k: Number of colours, 2 to 256.
        alpha: uint8 [H, W], or None. Pixels with alpha 0 do not influence the palette, but are mapped to it.
        method: "stage", or "exact": scikit-learn's KMeans on all pixels.
        dither: "none": every pixel takes the nearest colour; "floyd-steinberg": error diffusion.
        provider: Backend of the stage.
        effect: A `quantize_effect` to reuse for many pictures; `provider` is then ignored.

    Returns:
        The picture, its palette and labels. A picture with at most `k` colours is returned unchanged.

    Raises:
        UsageError: `k` outside 2..256, or an unknown method or dither.
        UnsupportedImageError: `image` is not a picture.
        MissingExtraError: "exact" without scikit-learn.

    Example:
        >>> poster = artrt.quantize(artrt.read_image("photo.jpg"), k=8)
        >>> poster.palette.shape
        (8, 3)
    """
    check_image(image)
    check_colors(k)
    check_known("method", method, METHODS)
    check_known("dither", dither, DITHERS)
    if alpha is not None:
        image, visible = _without_invisible(image, alpha)
    else:
        visible = image
    result = _in_few_colors(image, visible, k, method=method, dither=dither, provider=provider, effect=effect)
    return replace(result, alpha=alpha)


def quantize_effect(k: int = 16, *, provider: str = "auto", threads: int | None = None) -> EffectStage:
    """Colour quantization for video: the palette changes smoothly and restarts at a cut.

    Raises:
        UsageError: `k` outside 2..256.
    """
    check_colors(k)
    return EffectStage("quantize", {"colors": float(k)}, provider=provider, threads=threads)


def check_colors(k: int) -> None:
    """Raises UsageError for a number of colours outside 2..256."""
    if not FEWEST_COLORS <= k <= MOST_COLORS:
        raise UsageError(f"quantize: {FEWEST_COLORS} to {MOST_COLORS} colours, got {k}")


def _in_few_colors(
    image: Image,
    visible: Image,
    k: int,
    *,
    method: str,
    dither: str,
    provider: str,
    effect: EffectStage | None,
) -> Quantized:
    """Maps `image` to the palette of `visible`."""
    distinct = _few_colors(visible, k)
    if distinct is not None:
        few = "1 colour" if distinct == 1 else f"{distinct} colours"
        return _quantized(image, f"the picture has only {few}" if distinct < k else None)
    if method == "exact":
        palette = exact_palette(visible, k)
        painted = palette[_nearest(image, palette)] if dither == "none" else floyd_steinberg(image, palette)
        return _quantized(painted)
    own = effect or quantize_effect(k, provider=provider)
    try:
        states = _learn(own, visible, k)
        if dither == "none":
            return _quantized(_paint(own, image, states, k))
        return _quantized(floyd_steinberg(image, np.round(states["palette"][:k]).astype(np.uint8)))
    finally:
        if effect is None:
            own.close()


def _without_invisible(image: Image, alpha: Image) -> tuple[Image, Image]:
    """The picture with invisible pixels in a visible colour, and a picture of only the visible pixels."""
    seen = alpha > 0
    pixels = image[seen]
    if len(pixels) == 0:
        return np.zeros_like(image), np.zeros_like(image)
    filled = np.where(seen[:, :, None], image, pixels[0])
    width = min(len(pixels), image.shape[1])
    rows = -(-len(pixels) // width)
    # Fills the last row with pixels from the start.
    return filled, np.resize(pixels, (rows, width, 3))


def _learn(effect: EffectStage, image: Image, k: int) -> dict[str, Array]:
    """Computes the states with a picture's palette: runs a few frames of a subsampled picture."""
    step = -(-max(image.shape[:2]) // LEARNING_SIDE_PX)
    thinned = image[::step, ::step]
    states = effect.fresh()
    for _ in range(1 + POLISHING_RUNS):
        results = effect.run(thinned, states, colors=float(k), palette_rate=1.0)
        states = {name: results[name] for name in states}
    return states


def _paint(effect: EffectStage, image: Image, states: Mapping[str, Array], k: int) -> Image:
    """Maps every pixel to the nearest colour of a fixed palette, in bands of rows to limit memory."""
    rows = max(1, BAND_SCORES // (image.shape[1] * k))
    bands = [image[top : top + rows] for top in range(0, image.shape[0], rows)]
    painted = [effect.run(band, states, colors=float(k), palette_rate=0.0)["output"] for band in bands]
    return np.concatenate(painted)


def _codes(image: Image) -> NDArray[np.uint32]:
    planes = image.reshape(-1, 3).astype(np.uint32)
    eight, sixteen = np.uint32(8), np.uint32(16)
    codes: NDArray[np.uint32] = planes[:, 0] | planes[:, 1] << eight | planes[:, 2] << sixteen
    return codes


def _few_colors(image: Image, k: int) -> int | None:
    """The number of distinct colours when it is at most `k`, else None."""
    sample = np.unique(_codes(image[::7, ::7]))
    distinct = sample if len(sample) > k else np.unique(_codes(image))
    return len(distinct) if len(distinct) <= k else None


def _quantized(image: Image, notice: str | None = None) -> Quantized:
    codes, labels, counts = np.unique(_codes(image), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    planes = [codes >> np.uint32(shift) & np.uint32(255) for shift in (0, 8, 16)]
    palette: Image = np.stack(planes, axis=1).astype(np.uint8)[order]
    return Quantized(image, palette, rank[labels].reshape(image.shape[:2]).astype(np.uint8), notice)


def _nearest(image: Image, palette: Image) -> NDArray[np.int64]:
    """Labels [H, W] of the nearest colours, computed in bands of rows."""
    colors = palette.astype(np.float32)
    squares = np.square(colors).sum(1)
    rows = [(squares - 2 * row.astype(np.float32) @ colors.T).argmin(1) for row in image]
    return np.stack(rows)
