"""Reads the paintings of another program for the evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ...engine.errors import InputError
from ...engine.frame import IMAGE_SUFFIXES, Image, read_image
from .judge import Paint


def existing_paintings(folder: str | Path, *, styles: Sequence[str]) -> Paint:
    """Reads paintings of another program: `folder`/STYLE/NAME.png, or `folder`/NAME.png for a single style.

    NAME is the photograph's name; the suffix may be that of any picture format. A painting of another size is resized
    to the photograph's size; the proportions must be the same.

    Args:
        folder: Folder of the paintings.
        styles: Names of the judged styles.

    Raises:
        InputError: The folder is missing; later, a painting is missing or has other proportions.
    """
    if not Path(folder).is_dir():
        raise InputError(f"no folder of paintings {folder}")

    def paint(photograph: Path, image: Image, style: str) -> Image:
        places = [Path(folder, style)] + ([Path(folder)] if len(styles) == 1 else [])
        candidates = [
            place / (photograph.stem + suffix) for place in places for suffix in sorted(IMAGE_SUFFIXES)
        ]
        found = next((path for path in candidates if path.is_file()), None)
        if found is None:
            raise InputError(
                f"no painting of {photograph.name} in {places[0]} (looked for {photograph.stem}.png, ...)"
            )
        return _to_size(read_image(found), image, found)

    return paint


def _to_size(painting: Image, photograph: Image, path: Path) -> Image:
    height, width = photograph.shape[:2]
    stretch = painting.shape[1] * height / (painting.shape[0] * width)
    if not 0.97 < stretch < 1.03:
        size = f"{painting.shape[1]}x{painting.shape[0]}"
        raise InputError(f"{path} is {size}: its proportions differ from the photograph's, {width}x{height}")
    method = cv2.INTER_AREA if painting.shape[1] >= width else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(painting, (width, height), interpolation=method), np.uint8)
