"""The result that a pipeline yields for every processed frame."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from .frame import Frame, Image, encode_image, reduced, write_image

NOTEBOOK_PX = 1024


def png_for_notebook(image: Image) -> bytes:
    """A picture, uint8 [H, W, 3] BGR, as a PNG with a long side of at most 1024 px."""
    return encode_image(reduced(image, long_side_px=NOTEBOOK_PX), ".png")


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One frame after all stages.

    Args:
        frame: The frame as the source gave it.
        image: uint8 [H, W, 3], BGR: the output of the last stage.
        latency_ms: From capture to the end of the last stage.
        stage_ms: Time in each stage that ran, by name.
        dropped: Number of frames that the pipeline had dropped until then.
    """

    frame: Frame
    image: Image
    latency_ms: float = 0.0
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    dropped: int = 0

    @property
    def index(self) -> int:
        """Number of the frame in its source."""
        return self.frame.index

    @property
    def time_seconds(self) -> float:
        """Presentation time in the source."""
        return self.frame.time_seconds

    @property
    def age_ms(self) -> float:
        """Time since the frame was captured, now."""
        return (time.monotonic() - self.frame.captured_seconds) * 1e3

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the picture; the suffix chooses the format.

        Raises:
            OutputError: Unknown suffix, or the file cannot be written.
        """
        write_image(path, self.image)

    def _repr_png_(self) -> bytes:
        """The picture as a reduced PNG, which notebooks display."""
        return png_for_notebook(self.image)

    def __repr__(self) -> str:
        """Shows shapes, not pixels."""
        height, width, _ = self.image.shape
        return f"Result({width}x{height}, index={self.index}, latency_ms={self.latency_ms:.1f})"
