"""Picture files as output: one file, a folder, or a numbered sequence."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from ..errors import OutputError, UsageError
from ..frame import write_image
from ..result import Result
from ..sources import SourceInfo

_NUMBERED = re.compile(r"%0?\d*d")


class PictureSink:
    """Writes every result as a picture file.

    Args:
        name: Name of the sink.
        folder: Folder of the files.
        path_of: Returns the path of a result, from the result and the source's file names.
        create: Create the folder if it is missing.
    """

    live = False
    main_thread = False

    def __init__(
        self, name: str, *, folder: Path, path_of: Callable[[Result, SourceInfo], Path], create: bool
    ) -> None:
        self.name = name
        self._folder = folder
        self._path_of = path_of
        self._create = create
        self._info: SourceInfo | None = None

    def open(self, info: SourceInfo) -> None:
        """Creates or checks the folder.

        Raises:
            OutputError: It cannot be written.
        """
        self._info = info
        if self._create:
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(f"{self._folder}: cannot be created: {error.strerror}") from error
        if not self._folder.is_dir():
            raise OutputError(f"{self.name}: the folder {self._folder} does not exist")
        if not os.access(self._folder, os.W_OK):
            raise OutputError(f"{self.name}: the folder {self._folder} cannot be written")

    def write(self, result: Result) -> None:
        """Writes one picture atomically."""
        assert self._info is not None
        path = self._path_of(result, self._info)
        write_image(path, result.image, alpha=result.frame.alpha)

    def close(self, *, completed: bool) -> None:
        """Does nothing: every file is complete."""


def one_picture(path: Path) -> PictureSink:
    """A sink for a single file; fails at the second frame of a source."""
    first: int | None = None

    def path_of(result: Result, info: SourceInfo) -> Path:
        nonlocal first
        first = result.index if first is None else first
        if result.index != first:
            raise OutputError(
                f"{path}: one picture cannot hold several frames; use {path.stem}-%06d{path.suffix}"
            )
        return path

    return PictureSink(str(path), folder=path.parent, path_of=path_of, create=False)


def picture_folder(path: Path) -> PictureSink:
    """A sink for a folder: pictures keep their file names, other frames are numbered."""

    def path_of(result: Result, info: SourceInfo) -> Path:
        if info.names:
            return path / info.names[result.index % len(info.names)]
        return path / f"{result.index + 1:06d}.png"

    return PictureSink(str(path), folder=path, path_of=path_of, create=True)


def picture_sequence(pattern: str) -> PictureSink:
    """A sink for files numbered from 1 by a pattern such as frames/%06d.png."""
    if len(_NUMBERED.findall(pattern)) != 1 or pattern.count("%") != 1:
        raise UsageError(f"'{pattern}': expected exactly one number such as %06d")
    folder = Path(pattern).parent
    return PictureSink(
        pattern, folder=folder, path_of=lambda result, _: Path(pattern % (result.index + 1)), create=True
    )


def is_sequence(address: str) -> bool:
    """Whether the address contains a number pattern."""
    return "%" in Path(address).name
