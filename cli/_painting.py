"""Common parts of `paint` and `reconstruct`: progress bar, losses, lists of numbers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from ._common import notice

if TYPE_CHECKING:
    from ..models.painting.painting import PaintProgress


@contextmanager
def losses_bar(description: str) -> Iterator[Callable[[PaintProgress], None]]:
    """A progress bar with losses on stderr; nothing if stderr is not a terminal.

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
