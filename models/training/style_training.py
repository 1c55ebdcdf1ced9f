"""Trains a new style for a trained trunk: only the vector, in minutes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..networks.transformer import StyleTransformer
from ..photos import Photographs
from .options import TrainingOptions
from .trainer import Progress, Trainer

TIMED_STEPS = 6
LEAST_STEPS = 10


def closest_style(
    trainer: Trainer, known: Mapping[str, Tensor], photographs: Photographs
) -> tuple[str, Tensor]:
    """The known style [D] whose paintings are closest to the new style's statistics, as a start.

    Args:
        trainer: A trainer of one style, with trunk, loss network and target.
        known: Vectors [D] of the trunk by name.
        photographs: Two of them are painted in every known style.
    """
    sample = photographs.batch(np.random.default_rng(trainer.options.seed), 2, trainer.options.crop_px)
    sample = sample.to(trainer.device)
    sample = sample.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        distances = {
            name: float(
                trainer.objective.style_distance(trainer.transformer(sample, vector[None].to(trainer.device)))
            )
            for name, vector in known.items()
        }
    best = min(distances, key=distances.__getitem__)
    return best, known[best]


def train_style(
    options: TrainingOptions,
    *,
    trunk: StyleTransformer,
    known: Mapping[str, Tensor],
    photographs: Photographs,
    minutes: float | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[Tensor, Trainer]:
    """Trains the vector of one painting with a frozen trunk.

    Args:
        options: Options of the training; `paintings` has exactly one entry.
        trunk: The trunk, which is not changed.
        known: Vectors [D] of the trunk by name, the closest of which is the start; empty for a neutral start.
        photographs: Training photographs.
        minutes: Time to take, this function's start included: the first steps are timed, and the number of steps
            follows; at the end of the time the training ends, after `LEAST_STEPS` steps; `options.steps` if None.
        on_progress: Called after every step.
        stop: Called after every step; True ends the training with the current vector.

    Returns:
        The averaged vector [D] and the trainer, whose checkpoint can be continued.
    """
    end = None if minutes is None else time.monotonic() + 60 * minutes
    checkpoint = options.output / "checkpoint.pt"
    resume = checkpoint if checkpoint.is_file() else None
    trainer = Trainer(options, trunk=trunk, resume=resume)
    if known and resume is None:
        _, start = closest_style(trainer, known, photographs)
        trainer = Trainer(options, trunk=trunk, start=start.to(trainer.device))
    if end is not None:
        trainer.options = replace(options, steps=trainer.step + _steps_until(end, trainer, photographs))
    least = trainer.step + LEAST_STEPS

    def is_late() -> bool:
        return end is not None and trainer.step >= least and time.monotonic() > end

    for progress in trainer.run(photographs, stop=lambda: stop() or is_late()):
        if on_progress is not None:
            on_progress(progress)
    if is_late():  # the machine became slower than the timed steps; the style is finished all the same
        trainer.options = replace(trainer.options, steps=trainer.step)
    return next(iter(trainer.averaged()[1].values())), trainer


def _steps_until(end: float, trainer: Trainer, photographs: Photographs) -> int:
    """Number of steps until `end`, in seconds of the monotonic clock, from the median of a few steps."""
    durations: list[float] = []
    while not durations or (len(durations) < TIMED_STEPS and time.monotonic() < end):
        started = time.perf_counter()
        trainer.measure_step(photographs)
        durations.append(time.perf_counter() - started)
    return max(LEAST_STEPS, int((end - time.monotonic()) / float(np.median(durations))))
