"""Clips of the kinds that phones, discs and broadcasts give, made with PyAV."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

FULL_CHROMA = 0x2 | 0x40000  # bilinear, accurate rounding


def write_footage(
    path: Path,
    pictures: Iterable[Any],
    *,
    codec: str = "libx264",
    layout: str = "yuv420p",
    rate: int = 25,
    prepare: Callable[[Any], None] = lambda stream: None,
    **settings: str,
) -> Path:
    """Writes pictures, uint8 [H, W, 3] BGR or frames of PyAV.

    Args:
        path: The container goes by its suffix.
        pictures: What to write.
        codec: FFmpeg's name of the encoder.
        layout: Pixel format.
        rate: Frames per second.
        prepare: Is given the stream before the first picture.
        settings: Private options of the encoder.
    """
    with av.open(f"file:{path}", "w") as container:
        stream: Any = None
        for index, picture in enumerate(pictures):
            frame = _frame(picture, layout)
            if stream is None:
                stream = container.add_stream(codec, rate=rate, options=settings)
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, layout
                prepare(stream)
            frame.pts, frame.time_base = index, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def deep_frame(rgb: np.ndarray, *, transfer: int, primaries: int) -> av.VideoFrame:
    """A 10-bit frame of RGB values in [0, 1], float [H, W, 3], by the matrix of BT.2020."""
    frame = av.VideoFrame.from_ndarray((rgb * 65535).round().astype(np.uint16), format="rgb48le")
    deep = frame.reformat(
        format="yuv444p10le",
        dst_colorspace=Colorspace.BT2020,
        dst_color_range=ColorRange.MPEG,
        interpolation=FULL_CHROMA,
        threads=1,
    )
    deep.color_trc, deep.color_primaries, deep.colorspace, deep.color_range = transfer, primaries, 9, 1
    return deep


def tagged(*, transfer: int, primaries: int) -> Callable[[Any], None]:
    """Writes curve and colours into a stream, for `write_footage`."""

    def prepare(stream: Any) -> None:
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace = transfer, primaries, 9
        context.color_range = 1

    return prepare


def patches(seed: int = 0, *, rows: int = 4, columns: int = 6, side: int = 16) -> np.ndarray:
    """uint8 [rows * side, columns * side, 3]: a patch of one random colour beside the other."""
    colours = np.random.default_rng(seed).integers(0, 256, (rows, columns, 3), dtype=np.uint8)
    return colours.repeat(side, axis=0).repeat(side, axis=1)


def first_half(path: Path) -> Path:
    """Cuts the file in two and keeps what an interrupted copy leaves."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def _frame(picture: Any, layout: str) -> av.VideoFrame:
    if isinstance(picture, av.VideoFrame):
        return picture if picture.format.name == layout else picture.reformat(format=layout, threads=1)
    kind = "bgra" if picture.shape[2] == 4 else "bgr24"
    return av.VideoFrame.from_ndarray(picture, format=kind).reformat(format=layout, threads=1)
