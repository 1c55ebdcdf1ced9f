"""Common parts of the training commands: options, clean stop on Ctrl-C, progress bar."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..engine.errors import UsageError
from ._options import Command, gathered, weights_option
from ._painting import no_region_term
from ._report import notice, progress

if TYPE_CHECKING:
    from ..models.training.options import TermWeights
    from ..models.training.trainer import Progress

INTERRUPTED = 130


@dataclass(frozen=True)
class TrainingArguments:
    """Values of the options of `training_options`, under their names."""

    photos: Path
    weights_dir: Path | None
    weights: tuple[str, ...]
    statistics: str
    batch: int
    crop: int
    loss_network: str | None
    ramp: str | None
    style_size: int
    seed: int
    device: str

    def settings(self, *, losses: TermWeights, ramp: str) -> dict[str, Any]:
        """Fields of `TrainingOptions`, except those of photographs and loss network; says if the region term is off.

        Args:
            losses: Weights of the terms that `--weight` does not name.
            ramp: START:STEPS without `--ramp`.

        Raises:
            UsageError: An invalid `--weight` or `--ramp`.
        """
        start, steps = parse_ramp(self.ramp or ramp)
        losses = parse_weights(self.weights, losses)
        if losses.cam == 0 and not any(text.startswith("cam=") for text in self.weights):
            no_region_term()
        return {
            "weights_directory": self.weights_dir,
            "losses": losses,
            "style_statistics": self.statistics,
            "batch": self.batch,
            "crop_px": self.crop,
            "ramp_start": start,
            "ramp_steps": steps,
            "style_long_side_px": self.style_size,
            "seed": self.seed,
            "device": self.device,
        }


def training_options(function: Command) -> Command:
    """Adds the options of all trainings of styles; the command gets them as one `training`."""
    folder = click.Path(path_type=Path, file_okay=False)
    return gathered(
        "training",
        TrainingArguments,
        click.option("--photos", type=folder, required=True, help="Folder of training photographs."),
        weights_option("Folder of the loss networks' weights.", name="weights_dir"),
        click.option(
            "--weight",
            "weights",
            multiple=True,
            metavar="TERM=W",
            help="Weight of a loss term, as content=0.25.",
        ),
        click.option(
            "--statistics",
            type=click.Choice(["moments", "gram"]),
            default="moments",
            show_default=True,
            help="Statistics of the style term: means and centred covariances, or Gram matrices (Gatys et al. 2016).",
        ),
        click.option(
            "--batch", type=click.IntRange(1), default=4, show_default=True, help="Photographs per step."
        ),
        click.option(
            "--crop", type=click.IntRange(64), default=224, show_default=True, help="Side of a crop, px."
        ),
        click.option(
            "--loss-network",
            help="wide, compact, vgg19, small or compact-encoder.  [default: compact-encoder; for a style the best]",
        ),
        click.option(
            "--ramp",
            metavar="START:STEPS",
            help="When region, edge, colour and temporal terms grow: first step, and number of steps.  "
            "[default: 2000:2000; for a style 50:100]",
        ),
        click.option(
            "--style-size",
            type=click.IntRange(64),
            default=448,
            show_default=True,
            help="Paintings' long side, px: the scale of the strokes.",
        ),
        click.option("--seed", type=int, default=0, show_default=True, help="Seed of all random choices."),
        click.option("--device", default="cpu", show_default=True, help="cpu or cuda."),
    )(function)


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


def parse_ramp(text: str) -> tuple[int, int]:
    """Parses START:STEPS as two integers.

    Raises:
        UsageError: Anything else.
    """
    try:
        start, steps = (int(part) for part in text.split(":"))
    except ValueError as error:
        raise UsageError(f"--ramp {text}: write START:STEPS, as 2000:2000") from error
    return start, steps


def tell_undecodable(skipped: Iterable[Path]) -> None:
    """Prints the photographs that cannot be decoded."""
    for path in skipped:
        notice(f"skipped {path}: it cannot be decoded")


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
