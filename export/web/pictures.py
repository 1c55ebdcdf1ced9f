"""The pictures of a site, painted by its model: a tile for each style, the first picture, and icons."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ...engine.errors import OutputError
from ...engine.frame import Image, read_image
from ...engine.sources.scene import PHOTO
from ...engine.stages.stage import Stage
from ...engine.zoo.style import Style

TILE_PX = (240, 320)  # height, width
ICONS_PX = {"icon-192.png": 192, "icon-512.webp": 512}
QUALITY = 82
OPENING = "starry-night"


def opening_style(styles: Sequence[Style]) -> Style:
    """The style that the page shows first."""
    return next((style for style in styles if style.name == OPENING), styles[0])


def write_pictures(folder: Path, stage: Stage, styles: Sequence[Style]) -> None:
    """Writes `sample.jpg`, `painted.jpg`, `tiles/NAME.jpg` and the icons.

    Args:
        folder: The site.
        stage: The `stylize` stage of the site.
        styles: The site's styles.

    Raises:
        OutputError: A picture cannot be encoded.
    """
    photo = read_image(PHOTO)
    (folder / "sample.jpg").write_bytes(PHOTO.read_bytes())
    painted = stage(photo, style=opening_style(styles).vector)
    write_picture(folder / "painted.jpg", painted)
    for name, side in ICONS_PX.items():
        write_picture(folder / name, _fitted(painted, (side, side)))
    (folder / "tiles").mkdir()
    small = _fitted(photo, TILE_PX)
    for style in styles:
        write_picture(folder / "tiles" / f"{style.name}.jpg", stage(small, style=style.vector))


def write_picture(path: Path, image: Image) -> None:
    """Encodes uint8 [H, W, 3] BGR by the suffix of `path`."""
    settings = {".jpg": cv2.IMWRITE_JPEG_QUALITY, ".webp": cv2.IMWRITE_WEBP_QUALITY}
    parameters = [settings[path.suffix], QUALITY] if path.suffix in settings else []
    done, data = cv2.imencode(path.suffix, image, parameters)
    if not done:
        raise OutputError(f"cannot encode {path.name}: OpenCV was built without {path.suffix}")
    path.write_bytes(data.tobytes())


def _fitted(image: Image, size: tuple[int, int]) -> Image:
    """Resizes a picture and crops the upper middle."""
    height, width = image.shape[:2]
    scale = max(size[0] / height, size[1] / width)
    enough = (max(round(width * scale), size[1]), max(round(height * scale), size[0]))
    whole = np.asarray(cv2.resize(image, enough, interpolation=cv2.INTER_AREA), np.uint8)
    top, left = (whole.shape[0] - size[0]) // 4, (whole.shape[1] - size[1]) // 2
    return np.ascontiguousarray(whole[top : top + size[0], left : left + size[1]])
