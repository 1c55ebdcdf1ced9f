"""Writes a picture that is optimised step by step: previews, video, saved state, and final version."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2

from ..errors import OutputError
from ..files import replacing
from ..frame import IMAGE_SUFFIXES, Frame, Image, as_image, write_image
from ..result import Result
from ..sinks import EncodeOptions, Sink, open_sink
from ..sources import SourceInfo

HISTORY_RATE = 12
#: Seconds between previews, and between saved states.
PREVIEW_SECONDS, STATE_SECONDS = 5.0, 20.0


def check_picture_path(path: Path) -> None:
    """Checks, before hours of work, that the result can be written.

    Raises:
        OutputError: Unknown picture format, or a folder that cannot be written.
    """
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        raise OutputError(f"cannot write {path}: unknown picture format '{path.suffix}'")
    if path.is_dir():
        raise OutputError(f"cannot write {path}: it is a folder")
    with replacing(path.with_name(f".{path.name}.probe")) as probe:
        probe.touch()
    path.with_name(f".{path.name}.probe").unlink()


def state_path(output: Path) -> Path:
    """The file of an unfinished picture's state, beside its output."""
    return output.with_name(f"{output.name}.state")


class GrowingPicture:
    """Context manager that writes a picture while it is painted; on an error or Ctrl-C it writes the last version.

    Args:
        output: Picture to write at the end.
        size: Height and width of the finished picture.
        preview: Picture to rewrite every few seconds, or None.
        history: Video of all steps, or None.
    """

    def __init__(
        self, output: Path, *, size: tuple[int, int], preview: Path | None = None, history: Path | None = None
    ) -> None:
        self._output, self._preview, self._size = output, preview, size
        self._history = None if history is None else _History(history, size)
        self._previewed = self._saved = time.monotonic()
        self._last: tuple[Image, Callable[[Path], None]] | None = None

    def __enter__(self) -> GrowingPicture:
        if self._history is not None:
            self._history.open()
        return self

    def add(self, image: Image, *, save_state: Callable[[Path], None]) -> None:
        """Adds the picture after one step.

        Args:
            image: uint8 [H, W, 3], BGR, any size.
            save_state: Writes the state of this step to a path, to continue from it later.

        Raises:
            OutputError: A file cannot be written.
        """
        self._last = image, save_state
        now = time.monotonic()
        if self._history is not None:
            self._history.add(image)
        if self._preview is not None and now - self._previewed > PREVIEW_SECONDS:
            write_image(self._preview, image)
            self._previewed = now
        if now - self._saved > STATE_SECONDS:
            save_state(state_path(self._output))
            self._saved = now

    def forget_state(self) -> None:
        """Removes the saved state: the picture is finished, or continuing would fail again."""
        state_path(self._output).unlink(missing_ok=True)

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        try:
            if self._history is not None:
                self._history.close(completed=kind is None)
        finally:
            self._write_last(completed=kind is None)

    def _write_last(self, *, completed: bool) -> None:
        if self._last is None:
            return
        image, save_state = self._last
        write_image(self._output, image if completed else enlarged(image, self._size))
        if completed:
            self.forget_state()
        else:
            save_state(state_path(self._output))


class _History:
    """A video of all steps in the final size."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self._sink: Sink = open_sink(path, options=EncodeOptions(quality=16))
        self._path, self._size, self._count = path, size, 0

    def open(self) -> None:
        height, width = self._size
        rate = Fraction(HISTORY_RATE)
        self._sink.open(SourceInfo(os.fspath(self._path), live=False, width=width, height=height, rate=rate))

    def add(self, image: Image) -> None:
        image = enlarged(image, self._size)
        frame = Frame(image, self._count, self._count / HISTORY_RATE)
        self._sink.write(Result(frame, image))
        self._count += 1

    def close(self, *, completed: bool) -> None:
        self._sink.close(completed=completed)


def enlarged(image: Image, size: tuple[int, int]) -> Image:
    """Enlarges a picture of a coarser level to the final size (height, width)."""
    if image.shape[:2] == size:
        return image
    return as_image(cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_CUBIC))
