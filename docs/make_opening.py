"""Makes docs/images/opening.jpg: photograph, painting, result.  python docs/make_opening.py PAINTING.jpg [STYLE]."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

import artrt

IMAGES = Path(__file__).resolve().parent / "images"
SIDE_PX = 400
GAP_PX = 8


def square(image: np.ndarray) -> np.ndarray:
    """The middle square of a picture, uint8 [SIDE_PX, SIDE_PX, 3]."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = image[top : top + side, left : left + side]
    return cv2.resize(middle, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)


def main(painting: str, style: str = "starry-night") -> None:
    """Writes the picture.

    Args:
        painting: File of the style's painting.
        style: Name of the style.
    """
    photo = artrt.read_image(IMAGES / "astronaut.jpg")
    with artrt.Stylizer(style, provider="cpu") as stylizer:
        result = stylizer(square(photo))
    gap = np.full((SIDE_PX, GAP_PX, 3), 255, np.uint8)
    row = np.hstack([square(photo), gap, square(artrt.read_image(painting)), gap, result])
    artrt.write_image(IMAGES / "opening.jpg", row)


if __name__ == "__main__":
    main(*sys.argv[1:])
