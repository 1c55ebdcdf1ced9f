"""Styles from pictures: the style encoder of a zoo maps a painting to a style.

The encoder is one ONNX model, `style-MODEL.onnx`, that computes a painting's style vector for one trunk in a tenth of
a second. The size at which it sees the painting sets the size of the strokes.
"""

from __future__ import annotations

import json
import os
import threading
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from ..errors import IntegrityError, UnsupportedImageError, UsageError
from ..frame import Image, check_image, read_image_with_alpha
from ..sessions import open_session
from .style import Style, printable

PAINTING = "painting"
VECTOR = "style"
METADATA_KEY = "artrt.style_encoder"
READ = "read"
"""Value in the training record of styles that were read off a picture."""
LEAST_PX = 64
SCALES = (0.25, 4.0)
SOURCE = "read off a picture by the style encoder"


class PictureStyles:
    """A loaded style encoder. Thread-safe.

    Args:
        path: Its ONNX file.

    Attributes:
        trunk: sha256 of the trunk that the vectors are for.
        long_side_px: Long side of the painting at scale 1.

    Raises:
        InputError: No such file.
        IntegrityError: It is not a style encoder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._session = open_session(path, provider="cpu")
        self._lock = threading.Lock()
        try:
            facts = json.loads(self._session.metadata[METADATA_KEY])
            self.trunk, self.long_side_px = str(facts["trunk"]), int(facts["long_side_px"])
        except (KeyError, TypeError, ValueError) as error:
            self._session.close()
            raise IntegrityError(
                f"{path} is not a style encoder: its metadata has no {METADATA_KEY}"
            ) from error

    def read(self, picture: Image, *, name: str, scale: float = 1.0) -> Style:
        """Computes the style of a picture.

        Args:
            picture: uint8 [H, W, 3], BGR, 64 px at least each way.
            name: Name of the style.
            scale: 0.25 to 4: above 1 the strokes are coarser than at the default size, below 1 finer.

        Raises:
            UnsupportedImageError: The picture is too small, or not a picture.
            UsageError: The scale is out of range.
        """
        if not SCALES[0] <= scale <= SCALES[1]:
            raise UsageError(f"style scale {scale:g}: expected {SCALES[0]:g} to {SCALES[1]:g}")
        seen = self._seen(check_image(picture), scale)
        with self._lock:
            vector = self._session.run({PAINTING: seen})[VECTOR]
        training = {"kind": READ, "scale": scale}
        return Style(
            name, np.ascontiguousarray(vector, np.float32), self.trunk, source=SOURCE, training=training
        )

    def _seen(self, picture: Image, scale: float) -> Image:
        height, width = picture.shape[:2]
        if min(height, width) < LEAST_PX:
            raise UnsupportedImageError(
                f"the painting is {width}x{height}: at least {LEAST_PX} px are needed on each side"
            )
        factor = min(1.0 if scale <= 1 else scale, scale * self.long_side_px / max(height, width))
        factor = max(factor, LEAST_PX / min(height, width))
        size = (round(width * factor), round(height * factor))
        interpolation = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        resized = cv2.resize(picture, size, interpolation=interpolation)
        return np.ascontiguousarray(resized, dtype=np.uint8)


@lru_cache(maxsize=4)
def picture_styles(path: Path) -> PictureStyles:
    """The encoder of a file, loaded once per process."""
    return PictureStyles(path)


def read_painting(path: str | os.PathLike[str]) -> Image:
    """Reads a painting from a picture file, uint8 [H, W, 3] BGR; transparent parts become white.

    Raises:
        InputError: Missing, or not a picture.
    """
    return on_white(*read_image_with_alpha(path))


def on_white(image: Image, alpha: Image | None) -> Image:
    """Blends a picture, uint8 [H, W, 3] BGR, with white by alpha, uint8 [H, W]; None means opaque."""
    if alpha is None:
        return image
    share = alpha[:, :, None].astype(np.float32) / 255
    on_white = image * share + 255 * (1 - share)
    return np.asarray(on_white.round(), np.uint8)


def name_of(path: str | os.PathLike[str]) -> str:
    """A style's name from the file name of its painting."""
    return printable(Path(path).stem)
