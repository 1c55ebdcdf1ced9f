"""Pictures as a source: one file, a folder, or a glob."""

from __future__ import annotations

import glob
import time
from fractions import Fraction
from pathlib import Path

from ..errors import InputError
from ..files import in_order, is_hidden
from ..frame import Frame, read_image, readable_suffixes
from .base import SourceInfo, SourceOptions, scaled

DEFAULT_RATE = 25.0


class PictureSource:
    """Reads the pictures of a list of files in order.

    Args:
        paths: Picture files.
        name: Name of the source.
        options: Scaling, rate, loop.
    """

    reconnects = 0

    def __init__(self, paths: list[Path], *, name: str, options: SourceOptions) -> None:
        self._paths = paths
        self._options = options
        self._next = 0
        self._rate = Fraction(options.fps or DEFAULT_RATE).limit_denominator(1001)
        self._cancelled = False
        self.info = SourceInfo(
            name=name,
            live=False,
            rate=self._rate,
            time_base=1 / self._rate,
            frame_count=None if options.loop else len(paths),
            duration_seconds=None if options.loop else float(len(paths) / self._rate),
            names=tuple(path.name for path in paths),
        )

    def read(self) -> Frame | None:
        """The next picture; None after the last."""
        if self._cancelled or (self._next >= len(self._paths) and not self._options.loop):
            return None
        index, self._next = self._next, self._next + 1
        image = scaled(read_image(self._paths[index % len(self._paths)]), self._options.size)
        return Frame(image, index, float(index / self._rate), time.monotonic())

    def cancel(self) -> None:
        """Stops reading."""
        self._cancelled = True

    def close(self) -> None:
        """Does nothing: there are no resources to free."""


def is_pictures(address: str) -> bool:
    """True for a folder, a glob, or a file with the suffix of a picture."""
    path = Path(address)
    return path.is_dir() or (not path.exists() and glob.has_magic(address)) or is_picture(path)


def is_picture(path: Path) -> bool:
    """True if the suffix is that of a picture."""
    return path.suffix.lower() in readable_suffixes()


def open_pictures(address: str, *, options: SourceOptions) -> PictureSource:
    """Opens one picture, all pictures of a folder, or all matches of a glob, in natural order (2 before 10).

    Raises:
        InputError: The file is missing, or the folder or glob has no pictures.
    """
    path = Path(address)
    if path.is_dir():
        found = in_order(file for file in path.iterdir() if _is_listed(file))
        if not found:
            raise InputError(f"{address}: no pictures in this folder (looked for {_suffixes()})")
    elif not path.exists() and glob.has_magic(address):
        found = in_order(Path(match) for match in _matches(address) if _is_listed(Path(match)))
        if not found:
            raise InputError(f"{address}: no picture matches")
    else:
        found = [path]
        if not path.exists():
            raise InputError(f"{address}: no such file")
    return PictureSource(found, name=address, options=options)


def _is_listed(path: Path) -> bool:
    return is_picture(path) and not is_hidden(path)


def _matches(pattern: str) -> list[str]:
    return glob.glob(pattern, recursive=True)  # noqa: PTH207 absolute patterns are welcome


def _suffixes() -> str:
    return ", ".join(sorted(readable_suffixes()))
