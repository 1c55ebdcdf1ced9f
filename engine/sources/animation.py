"""Animated pictures as a source: GIF, WebP, APNG and AVIF, with frame times and transparency."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from fractions import Fraction

from ..frame import Frame
from ..pictures.reading import PictureFile, Still, open_picture
from .base import SourceInfo, SourceOptions, scaled

TIME_BASE = Fraction(1, 1000)


class AnimationSource:
    """Reads the frames of an animated picture.

    Args:
        path: The file.
        options: Scaling, loop.

    Raises:
        InputError: It cannot be read.
    """

    reconnects = 0

    def __init__(self, path: str | os.PathLike[str], *, options: SourceOptions) -> None:
        self._file = open_picture(path)
        self._options = options
        self._cancelled = False
        self._index = 0
        self._seconds = 0.0
        first = next(self._file.stills())
        height, width = scaled(first.image, options.size).shape[:2]
        self.info = SourceInfo(
            name=os.fspath(path),
            live=False,
            width=width,
            height=height,
            rate=Fraction(1 / first.seconds).limit_denominator(1001),
            time_base=TIME_BASE,
            frame_count=None if options.loop else self._file.count,
        )
        self._stills = self._all(self._file)

    def read(self) -> Frame | None:
        """The next frame; None after the last."""
        still = None if self._cancelled else next(self._stills, None)
        if still is None:
            return None
        size, clear = self._options.size, still.alpha
        frame = Frame(
            scaled(still.image, size),
            self._index,
            self._seconds,
            time.monotonic(),
            alpha=None if clear is None else scaled(clear, size),
        )
        self._index, self._seconds = self._index + 1, self._seconds + still.seconds
        return frame

    def cancel(self) -> None:
        """Ends the animation."""
        self._cancelled = True

    def close(self) -> None:
        """Does nothing: there are no resources to free."""

    def _all(self, file: PictureFile) -> Iterator[Still]:
        yield from file.stills()
        while self._options.loop:
            yield from file.stills()
