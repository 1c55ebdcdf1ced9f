"""What `paint` and `reconstruct` share: watching a painting grow, and ending it well."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click
import cv2

from ..engine.errors import OutputError
from ..engine.files import replacing
from ..engine.frame import IMAGE_SUFFIXES, Frame, as_image, write_image
from ..engine.result import Result
from ..engine.sinks import EncodeOptions, Sink, open_sink
from ..engine.sources import SourceInfo
from ._common import notice

if TYPE_CHECKING:
    from ..engine.frame import Image
    from ..models.painting.painting import PaintProgress

HISTORY_RATE = 12
#: Pictures between two previews, and between two saved states, in seconds.
PREVIEW_SECONDS, STATE_SECONDS = 5.0, 20.0


def check_picture_path(path: Path) -> None:
    """Fails before hours of work when the result could not be written.

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
    """Where the state of an unfinished painting is kept, beside its output."""
    return output.with_name(f"{output.name}.state")


class Watcher:
    """Shows and keeps what a painting yields.

    Args:
        output: Picture to write at the end.
        preview: Picture that is rewritten every few seconds, or None.
        history: Video of the painting as it grows, or None.
        size: Height and width of the finished picture.
        keep_state: Keep the state beside the output until the picture is finished.
    """

    def __init__(
        self,
        output: Path,
        *,
        preview: Path | None,
        history: Path | None,
        size: tuple[int, int],
        keep_state: bool,
    ) -> None:
        self._output, self._preview, self._size, self._keep_state = output, preview, size, keep_state
        self._history = None if history is None else _History(history, size)
        self._previewed = self._saved = time.monotonic()
        self.last: PaintProgress | None = None

    def watch(self, steps: Iterable[PaintProgress], description: str) -> PaintProgress:
        """Goes through all steps and writes the result; a painting that is stopped writes its best picture.

        Raises:
            OutputError: Something cannot be written.
            KeyboardInterrupt: It was interrupted; what there was is written.
        """
        try:
            with ExitStack() as stack:
                advance = stack.enter_context(losses_bar(description))
                if self._history is not None:
                    stack.enter_context(self._history)
                for step in steps:
                    self.last = step
                    advance(step)
                    self._keep(step)
        except BaseException as error:
            self._stopped(error)
            raise
        assert self.last is not None
        write_image(self._output, self.last.image)
        state_path(self._output).unlink(missing_ok=True)
        return self.last

    def _keep(self, step: PaintProgress) -> None:
        now = time.monotonic()
        if self._history is not None:
            self._history.add(step)
        if self._preview is not None and now - self._previewed > PREVIEW_SECONDS:
            write_image(self._preview, step.image)
            self._previewed = now
        if self._keep_state and now - self._saved > STATE_SECONDS:
            step.state.save(state_path(self._output))
            self._saved = now

    def _stopped(self, error: BaseException) -> None:
        from ..models.painting.painting import DivergedError

        if self.last is None:
            return
        write_image(self._output, enlarged(self.last.image, self._size))
        where = f"{self._output} has the best picture until step {self.last.step} of {self.last.steps}"
        if isinstance(error, DivergedError):  # to go on with the same weights would end here again
            state_path(self._output).unlink(missing_ok=True)
        elif self._keep_state:
            self.last.state.save(state_path(self._output))
            where += "; the same command with --resume goes on"
        notice(where)


@contextmanager
def losses_bar(description: str) -> Iterator[Callable[[PaintProgress], None]]:
    """A progress bar with the losses on stderr, none when that is not a terminal.

    Yields:
        A function that takes each `PaintProgress`.
    """
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(20),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[losses]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=None, losses="")
        yield lambda step: bar.update(task, completed=step.step, total=step.steps, losses=losses_text(step))


def losses_text(step: PaintProgress) -> str:
    """The losses of a step on one line."""
    terms = "  ".join(f"{name} {value:.4f}" for name, value in step.terms.items() if name != "range")
    return f"total {step.best:.4f}  ({terms})"


class _History:
    """The painting as it grows, as a video of the finished size."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self._sink: Sink = open_sink(path, options=EncodeOptions(quality=16))
        self._path, self._size, self._count = path, size, 0

    def __enter__(self) -> _History:
        height, width = self._size
        rate = Fraction(HISTORY_RATE)
        self._sink.open(SourceInfo(os.fspath(self._path), live=False, width=width, height=height, rate=rate))
        return self

    def add(self, step: PaintProgress) -> None:
        image = enlarged(step.image, self._size)
        frame = Frame(image, self._count, self._count / HISTORY_RATE)
        self._sink.write(Result(frame, image))
        self._count += 1

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._sink.close(completed=kind is None)


def enlarged(image: Image, size: tuple[int, int]) -> Image:
    """A picture of a coarser level at the finished size (height, width)."""
    if image.shape[:2] == size:
        return image
    return as_image(cv2.resize(image, (size[1], size[0]), interpolation=cv2.INTER_CUBIC))


def numbers(text: str | None, what: str) -> tuple[float, ...] | None:
    """`1,0.5` as numbers; None stays None.

    Raises:
        click.BadParameter: Something in it is not a number.
    """
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.replace("+", ",").split(","))
    except ValueError:
        raise click.BadParameter(f"{what} are numbers with commas between, got '{text}'") from None
