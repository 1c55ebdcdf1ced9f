"""What commands tell the user: notices, progress, JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..engine.addresses import redacted

if TYPE_CHECKING:
    from ..engine.jobs.job import Done
    from ..engine.looks.look import Look

Advance = Callable[[float, float | None], None]

PROGRESS_AFTER_SECONDS = 1.0


def tell_about_weights(look: Look) -> None:
    """Prints a notice if the weights of a mix were scaled."""
    from ..engine.zoo.style import normalise_weights, parse_mix

    if isinstance(look.style, str) and look.style != "none" and not Path(look.style).is_file():
        message = normalise_weights([weight for _, weight in parse_mix(look.style)])[1]
        if message is not None:
            notice(message)


def echo_json(data: object) -> None:
    """Prints one JSON document to stdout."""
    click.echo(json.dumps(data, indent=2, default=str))


def with_origin(text: str) -> str:
    """Replaces the name in "pip install 'artrt[cpu]'" by the folder that this artrt was installed from.

    Args:
        text: A message; without such a hint it stays unchanged.
    """
    if "pip install 'artrt[" not in text:
        return text
    try:
        said = metadata.distribution("artrt").read_text("direct_url.json") or "{}"  # PEP 610
    except metadata.PackageNotFoundError:
        return text
    source = json.loads(said)
    folder = source.get("url", "").removeprefix("file://")
    if "dir_info" not in source or not Path(folder).is_dir():
        return text
    editable = "-e " if source["dir_info"].get("editable") else ""
    return text.replace("pip install 'artrt[", f"pip install {editable}'{folder}[")


def notice(message: str) -> None:
    """Prints one line to stderr; ignores errors, for example a closed terminal."""
    with suppress(OSError):
        click.echo(f"artrt: {' '.join(redacted(message).split())}", err=True)


def tell_notes(done: Done) -> Done:
    """Prints the notes of a finished job, and returns the job."""
    for note in done.notes:
        notice(f"{done.input}: {note}")
    return done


@contextmanager
def progress(description: str) -> Iterator[Advance]:
    """A progress bar on stderr after one second; nothing if stderr is not a terminal.

    Args:
        description: Text before the bar.

    Yields:
        A function that takes the finished amount and the total, or None if the total is unknown.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    bar = _Bar(description)
    try:
        yield bar.advance
    finally:
        bar.stop()


class _Bar:
    """A rich progress bar that appears after the first second."""

    def __init__(self, description: str) -> None:
        self._description = description
        self._started = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def advance(self, done: float, total: float | None) -> None:
        if self._bar is None:
            if time.monotonic() - self._started < PROGRESS_AFTER_SECONDS:
                return
            self._show()
        self._bar.update(self._task, completed=done, total=total)

    def stop(self) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task(self._description, total=None)
        self._bar.start()
