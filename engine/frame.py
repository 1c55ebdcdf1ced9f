"""The frame that the runtime processes; also exports the functions that read, write and check pictures.

Every picture in artrt is uint8 [H, W, 3] in BGR, the order of OpenCV.
"""

from __future__ import annotations

from dataclasses import dataclass

from .pictures.array import Image, as_image, check_image, reduced
from .pictures.formats import IMAGE_SUFFIXES, keeps_alpha
from .pictures.heif import readable_suffixes
from .pictures.reading import decode_image, read_image, read_image_with_alpha
from .pictures.writing import encode_image, write_image

__all__ = [
    "IMAGE_SUFFIXES",
    "Frame",
    "Image",
    "as_image",
    "check_image",
    "decode_image",
    "encode_image",
    "keeps_alpha",
    "read_image",
    "read_image_with_alpha",
    "readable_suffixes",
    "reduced",
    "write_image",
]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source, with its time.

    Args:
        image: uint8 [H, W, 3], BGR.
        index: Number of the frame in its source, from 0; dropped frames leave gaps.
        time_seconds: Presentation time in the source.
        captured_seconds: `time.monotonic()` at capture; 0 when unknown.
        alpha: Transparency, uint8 [H, W], or None; not painted, but kept if the output format has transparency.
    """

    image: Image
    index: int = 0
    time_seconds: float = 0.0
    captured_seconds: float = 0.0
    alpha: Image | None = None

    def __post_init__(self) -> None:
        """Checks rank and type of the picture."""
        check_image(self.image)

    def __repr__(self) -> str:
        """Shows shapes, not pixels."""
        height, width, _ = self.image.shape
        return f"Frame({width}x{height}, index={self.index}, time_seconds={self.time_seconds:.3f})"
