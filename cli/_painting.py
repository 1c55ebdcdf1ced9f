"""Common parts of `paint` and `reconstruct`: progress bar, picture in the terminal, losses, lists of numbers."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ..engine.errors import MissingExtraError, UsageError
from ._report import notice

if TYPE_CHECKING:
    from rich.console import Console

    from ..engine.frame import Image
    from ..models.painting.painting import PaintProgress

#: Seconds between two pictures in the terminal, and their width in columns.
SHOWN_SECONDS, SHOWN_COLUMNS = 5.0, 60

show_option = click.option(
    "--show", is_flag=True, help="Show the picture in the terminal every few seconds, as well as it can."
)


class TerminalPicture:
    """Shows a growing picture in the terminal: as sixels, by kitty's protocol, or as coloured half blocks.

    Raises:
        UsageError: The output is not a terminal, or one without a size.
        MissingExtraError: textual-image is not installed.
    """

    def __init__(self) -> None:
        if not (sys.stdout.isatty() and sys.stderr.isatty()) or 0 in os.get_terminal_size():
            raise UsageError(
                "--show needs a terminal of known size; --preview FILE writes the picture to a file"
            )
        try:
            from textual_image.renderable import Image as Picture  # asks the terminal what it can
        except ImportError:
            raise MissingExtraError("--show", extra="terminal", package="textual-image") from None
        self._picture: Any = Picture
        self._shown: float | None = None

    def add(self, image: Image, console: Console) -> None:
        """Prints a picture, uint8 [H, W, 3] BGR, unless the last one is still new."""
        now = time.monotonic()
        if self._shown is not None and now - self._shown < SHOWN_SECONDS:
            return
        from PIL import Image as Pil

        self._shown = now
        width = min(SHOWN_COLUMNS, console.width)
        console.print(self._picture(Pil.fromarray(image[..., ::-1].copy()), width=width, height="auto"))


@contextmanager
def losses_bar(
    description: str, picture: TerminalPicture | None = None
) -> Iterator[Callable[[PaintProgress], None]]:
    """A progress bar with losses on stderr; nothing if stderr is not a terminal.

    Args:
        description: Text before the bar.
        picture: Shows the picture above the bar, or None.

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

        def advance(step: PaintProgress) -> None:
            bar.update(task, completed=step.step, total=step.steps, losses=losses_text(step))
            if picture is not None:
                picture.add(step.image, bar.console)

        yield advance


def no_region_term() -> None:
    """Says that the region term is off."""
    notice(
        "SqueezeNet is not on this machine: the region term is off; "
        "`artrt models pull squeezenet1_1` downloads it (5 MB)"
    )


def losses_text(step: PaintProgress) -> str:
    """The losses of a step on one line."""
    terms = "  ".join(f"{name} {value:.4f}" for name, value in step.terms.items() if name != "range")
    return f"total {step.best:.4f}  ({terms})"


def numbers(text: str | None, what: str) -> tuple[float, ...] | None:
    """Parses `1,0.5` as numbers; None stays None.

    Raises:
        click.BadParameter: A part is not a number.
    """
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.replace("+", ",").split(","))
    except ValueError:
        raise click.BadParameter(f"{what} must be numbers separated by commas, got '{text}'") from None
