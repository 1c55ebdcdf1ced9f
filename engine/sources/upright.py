"""Converts decoded video frames to pictures: BT.709, the requested size, rotated and mirrored as the file says."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ..frame import Image, as_image
from .base import SourceOptions
from .bt709 import bt709_from, needs_conversion

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

SQUARE = Fraction(1)
# Pixel aspect ratios outside this range are errors in the file.
ASPECTS = (Fraction(1, 10), Fraction(10))


@dataclass(frozen=True, slots=True)
class Turn:
    """How a stored picture is rotated and mirrored for display: transposed first, then flipped."""

    transposed: bool = False
    flip_columns: bool = False
    flip_rows: bool = False

    @classmethod
    def of(cls, decoded: VideoFrame) -> Turn:
        """Reads a frame's display matrix, whose entries a b c d move a stored point to (a x + c y, b x + d y)."""
        found: Any = decoded.side_data.get("DISPLAYMATRIX")
        if found is None:
            return cls()
        a, b, _, c, d = np.frombuffer(bytes(found), np.int32)[:5].tolist()
        if abs(b) > abs(a):
            return cls(transposed=True, flip_columns=c < 0, flip_rows=b < 0)
        return cls(flip_columns=a < 0, flip_rows=d < 0)

    def __call__(self, image: Image) -> Image:
        """Rotates and mirrors a picture, uint8 [H, W] or [H, W, C]."""
        if self.transposed:
            image = as_image(cv2.transpose(image))
        if self.flip_columns or self.flip_rows:
            code = -1 if self.flip_columns and self.flip_rows else int(self.flip_columns)
            image = as_image(cv2.flip(image, code))
        return image


class Upright:
    """Converts the frames of one track to pictures.

    Args:
        options: Size, square pixels.
        aspect: Pixel aspect ratio of the track; None when unknown.
    """

    def __init__(self, options: SourceOptions, *, aspect: Fraction | None) -> None:
        from av.video.reformatter import VideoReformatter

        self._reformatter = VideoReformatter()
        self._options = options
        self._aspect = aspect if aspect and ASPECTS[0] <= aspect <= ASPECTS[1] else SQUARE

    def __call__(self, decoded: VideoFrame) -> tuple[Image, Image | None]:
        """The picture, uint8 [H, W, 3] BGR, and its alpha, uint8 [H, W], or None."""
        turn = Turn.of(decoded)
        width, height = self._stored_size(decoded, turn)
        alpha = None
        if has_alpha(decoded):
            packed = self._packed(decoded, "bgra", width, height)
            alpha = turn(np.ascontiguousarray(packed[:, :, 3]))
            image = as_image(np.ascontiguousarray(packed[:, :, :3]))
        if needs_conversion(decoded.color_trc, decoded.color_primaries):
            deep = self._packed(decoded, "rgb48le", width, height)
            image = bt709_from(deep, transfer=decoded.color_trc, primaries=decoded.color_primaries)
        elif alpha is None:
            image = as_image(self._packed(decoded, "bgr24", width, height))
        return turn(image), alpha

    def aspect_of(self, decoded: VideoFrame) -> Fraction:
        """Pixel aspect ratio of the converted pictures."""
        size = self._options.size
        if self._options.square_pixels or (size is not None and size.height is not None):
            return SQUARE
        return 1 / self._aspect if Turn.of(decoded).transposed else self._aspect

    def _stored_size(self, decoded: VideoFrame, turn: Turn) -> tuple[int, int]:
        """Width and height before rotation that give the requested size after it."""
        width, height = decoded.width, decoded.height
        if self._options.square_pixels:
            width = round(width * max(self._aspect, SQUARE))
            height = round(height / min(self._aspect, SQUARE))
        if self._options.size is None:
            return width, height
        if turn.transposed:
            height, width = self._options.size.of(height, width)
            return width, height
        return self._options.size.of(width, height)

    def _packed(self, decoded: VideoFrame, layout: str, width: int, height: int) -> Any:
        frame = self._reformatter.reformat(decoded, width=width, height=height, format=layout, threads=1)
        return frame.to_ndarray()


def has_alpha(decoded: VideoFrame) -> bool:
    """Whether the frame has an alpha channel."""
    return any(component.is_alpha for component in decoded.format.components)
