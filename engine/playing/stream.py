"""An iterator of stylised frames from a camera, stream or file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from ..errors import UsageError
from ..looks.look import DEFAULT_STYLE, Look, look_of
from ..looks.stylizer import Stylizer
from ..result import Result
from ..sources import FramePolicy, Source, SourceOptions
from .pipeline import Pipeline


def stream(
    source: str | int | os.PathLike[str] | Source = 0,
    *,
    style: str | os.PathLike[str] | Look = DEFAULT_STYLE,
    frames: FramePolicy = "auto",
    max_frames: int | None = None,
    options: SourceOptions | None = None,
    **look: Any,
) -> Iterator[Result]:
    """Yields stylised frames from a camera, stream, file or folder.

    Args:
        source: Camera number, device, URL, path, `test://640x360@30`, `screen://`.
        style: Name, mix ("starry-night:0.7+udnie:0.3"), path, "none", or a `Look`.
        frames: "all", "latest", or "auto": all frames of a file, the latest of a live source.
        max_frames: Stop after this many frames.
        options: Options of the source: size, rate, repetition, reconnection.
        look: Other fields of `Look` by name: strength, stabilize, provider, …

    Yields:
        Results with `image` uint8 [H, W, 3] BGR, `latency_ms`, `dropped`.

    Raises:
        ArtrtError: The source, style or provider is not available, or processing failed.

    Example:
        >>> for result in artrt.stream(0, style="udnie"):
        ...     show(result.image)
    """
    if isinstance(options, Look):  # for compatibility with earlier versions
        raise UsageError("options takes SourceOptions: pass a Look as style=")
    with Stylizer(look_of(style, **look)) as stylizer:
        pipeline = Pipeline(source, [stylizer], frames=frames, options=options, max_frames=max_frames)
        yield from pipeline.results()
