"""Makes docs/images/opening.jpg, a photograph and seven of the shipped styles.

python docs/make_opening.py
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

import artrt

IMAGES = Path(__file__).resolve().parent / "images"
STYLES = (
    "starry-night",
    "great-wave",
    "composition-vii",
    "two-children",
    "kirifuri-waterfall",
    "goldfish",
    "mont-sainte-victoire",
)
COLUMNS = 4
SIDE_PX = 320
PAINTED_PX = 640
GAP_PX = 6


def square(image: np.ndarray, side_px: int) -> np.ndarray:
    """The middle square of a picture, uint8 [side_px, side_px, 3]."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = image[top : top + side, left : left + side]
    return cv2.resize(middle, (side_px, side_px), interpolation=cv2.INTER_AREA)


def grid(tiles: list[np.ndarray]) -> np.ndarray:
    """Tiles of one size in rows of COLUMNS, on white."""
    padded = [np.pad(tile, ((0, GAP_PX), (0, GAP_PX), (0, 0)), constant_values=255) for tile in tiles]
    rows = [np.hstack(padded[start : start + COLUMNS]) for start in range(0, len(padded), COLUMNS)]
    return np.vstack(rows)[:-GAP_PX, :-GAP_PX]


def main() -> None:
    """Writes the picture."""
    photo = square(artrt.read_image(IMAGES / "astronaut.jpg"), PAINTED_PX)
    tiles = [photo]
    with artrt.Stylizer(STYLES[0], provider="cpu") as stylizer:
        for style in STYLES:
            stylizer.style = style
            tiles.append(stylizer(photo))
    cv2.imwrite(
        str(IMAGES / "opening.jpg"),
        grid([square(tile, SIDE_PX) for tile in tiles]),
        [cv2.IMWRITE_JPEG_QUALITY, 88],
    )


if __name__ == "__main__":
    main()
