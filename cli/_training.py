"""Common parts of the training commands: options, clean stop on Ctrl-C, progress bar."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..engine.errors import UsageError
from ._common import notice, progress

if TYPE_CHECKING:
    from ..models.training.options import TermWeights
    from ..models.training.trainer import Progress

Command = TypeVar("Command", bound=Callable[..., Any])
INTERRUPTED = 130


def training_options(function: Command) -> Command:
    """Adds the options of all trainings: photographs, weights, loss terms, batch, crop, ramp, seed and device."""
    folder = click.Path(path_type=Path, file_okay=False)
    positive = click.IntRange(1)
    for decorate in (
        click.option("--device", default="cpu", show_default=True, help="cpu or cuda."),
        click.option("--seed", type=int, default=0, show_default=True, help="Of everything random."),
        click.option(
            "--style-size",
            type=click.IntRange(64),
            default=448,
            show_default=True,
            help="Paintings' long side, px: the scale of the strokes.",
        ),
        click.option(
            "--ramp",
            metavar="START:STEPS",
            help="When region, edge, colour and temporal terms grow.  [default: 2000:2000]",
        ),
        click.option(
            "--loss-network",
            help="wide, compact, vgg19, small or compact-encoder.  [default: compact-encoder; for a style the best]",
        ),
        click.option(
            "--crop", type=click.IntRange(64), default=224, show_default=True, help="Side of a crop, px."
        ),
        click.option("--batch", type=positive, default=4, show_default=True, help="Photographs per step."),
        click.option(
            "--statistics",
            type=click.Choice(["moments", "gram"]),
            default="moments",
            show_default=True,
            help="Statistics of the style term: means and centred covariances, or Gram matrices (Gatys et al. 2016).",
        ),
        click.option(
            "--weight",
            "weights",
            multiple=True,
            metavar="TERM=W",
            help="Weight of a loss term, as content=0.25.",
        ),
        click.option("--weights", "directory", type=folder, help="Folder of the loss networks' weights."),
        click.option("--photos", type=folder, required=True, help="Folder of training photographs."),
    ):
        function = decorate(function)
    return function


def parse_weights(texts: tuple[str, ...], start: TermWeights) -> TermWeights:
    """Replaces the given loss weights.

    Raises:
        UsageError: Not TERM=NUMBER, or an unknown term.
    """
    given: dict[str, float] = {}
    for text in texts:
        term, separator, number = text.partition("=")
        if not separator or term not in vars(start):
            raise UsageError(f"--weight {text}: write TERM=NUMBER; terms are {', '.join(vars(start))}")
        try:
            given[term] = float(number)
        except ValueError as error:
            raise UsageError(f"--weight {text}: {number!r} is not a number") from error
    return replace(start, **given)


def parse_factors(texts: tuple[str, ...], *, option: str, names: Iterable[str]) -> dict[str, float]:
    """Parses repeated NAME=FACTOR.

    Raises:
        UsageError: Not NAME=NUMBER with a positive number, or no painting has that name.
    """
    known, factors = sorted(names), {}
    for text in texts:
        name, _, number = text.partition("=")
        if name not in known:
            raise UsageError(f"{option} {text}: write NAME=FACTOR; names are {', '.join(known)}")
        try:
            factors[name] = float(number)
        except ValueError as error:
            raise UsageError(f"{option} {text}: {number!r} is not a number") from error
        if not 0 < factors[name] < float("inf"):
            raise UsageError(f"{option} {text}: the factor must be above 0")
    return factors


def parse_ramp(text: str | None) -> tuple[int, int]:
    """Parses START:STEPS as two integers.

    Raises:
        UsageError: Anything else.
    """
    try:
        start, steps = (int(part) for part in (text or "2000:2000").split(":"))
    except ValueError as error:
        raise UsageError(f"--ramp {text}: write START:STEPS, as 2000:2000") from error
    return start, steps


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Inside the block, Ctrl-C, SIGTERM and SIGHUP only make the yielded function return True."""
    asked: list[int] = []
    ending = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
    before = {
        number: signal.signal(number, lambda received, _: asked.append(received))
        for number in ending
        if signal.getsignal(number) is not signal.SIG_IGN  # nohup
    }
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def training_bar(description: str) -> Iterator[Callable[[Progress], None]]:
    """A progress bar of steps; prints an early estimate of the total time."""
    seconds: list[float] = []
    with progress(description) as advance:

        def report(step: Progress) -> None:
            advance(step.step, step.steps)
            seconds.append(step.seconds_per_step)
            if len(seconds) == 10:
                per_step = sorted(seconds)[5]
                left = (step.steps - step.step) * per_step / 60
                notice(
                    f"{per_step:.2f} s per step; about {left:.0f} minutes for the remaining {step.steps - step.step}"
                )

        yield report
