"""Real pictures for checks and calibration: from the user's folder, or scikit-image's sample photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..engine.errors import InputError, MissingExtraError
from ..engine.files import in_order, is_hidden
from ..engine.frame import Image, read_image, reduced

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
SAMPLES = ("astronaut", "chelsea", "coffee", "rocket")


def real_pictures(folder: Path | None = None, *, limit: int = 8, longest_px: int = 512) -> list[Image]:
    """Reads photographs and reduces large ones.

    Args:
        folder: A folder of pictures; None uses scikit-image's sample photographs.
        limit: Largest number of pictures, spread evenly over the folder.
        longest_px: Largest long side in pixels.

    Returns:
        uint8 [H, W, 3] BGR each.

    Raises:
        InputError: The folder is missing or has no pictures.
        MissingExtraError: No folder was given and scikit-image is not installed.
    """
    pictures = _samples() if folder is None else _of_folder(folder, limit=limit)
    return [reduced(picture, long_side_px=longest_px) for picture in pictures[:limit]]


def _of_folder(folder: Path, *, limit: int) -> list[Image]:
    if not folder.is_dir():
        raise InputError(f"no folder of pictures {folder}")
    paths = in_order(
        path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and not is_hidden(path)
    )
    if not paths:
        raise InputError(f"no picture in {folder}")
    chosen = sorted({round(index) for index in np.linspace(0, len(paths) - 1, limit)})
    return [read_image(paths[index]) for index in chosen]


def _samples() -> list[Image]:
    try:
        from skimage import data
    except ImportError as error:
        raise MissingExtraError("a check on real pictures", package="scikit-image", extra="train") from error
    return [np.ascontiguousarray(getattr(data, name)()[:, :, ::-1]) for name in SAMPLES]
