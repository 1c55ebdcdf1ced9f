"""Painting by optimisation: changes pixels until they have the photograph's content and the style's statistics.

Coarse to fine: the first level is small and finds the composition. Each next level is 1.4 times larger, starts from the
enlarged previous result and adds finer strokes. Source: Gatys et al., "Image style transfer using convolutional neural
networks", CVPR 2016.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike

import numpy as np
from torch import Tensor

from ...engine.errors import ArtrtError
from ...engine.frame import Image, write_image
from ..tensors import resized
from .memory import available_bytes, check_memory, telling_what_fits
from .networks import installed_weights, load_networks
from .objective import Evaluation, Networks, Objective
from .optimizers import OPTIMIZERS, Step
from .options import DEFAULT_WEIGHTS, PaintOptions
from .options import comparison as compared
from .state import PaintState, fingerprint, subject_hash
from .subject import Subject

Finish = Callable[[Tensor], Image]


class DivergedError(ArtrtError):
    """A loss is NaN or infinite; the message names the weight that is too large.

    The last `PaintProgress` before it has the last good picture.
    """


@dataclass(frozen=True)
class PaintProgress:
    """One step of a painting.

    Attributes:
        step: Number of the step, from 1.
        steps: Total number of steps.
        level: Number of the level, from 1.
        levels: Number of levels.
        terms: Unweighted losses of the picture by name.
        total: Weighted sum of the losses.
        best: The lowest total of this level so far.
        seconds: Time since the start.
        state: State to continue from the best picture of this level.
    """

    step: int
    steps: int
    level: int
    levels: int
    terms: dict[str, float]
    total: float
    best: float
    seconds: float
    state: PaintState = field(repr=False)
    finish: Finish = field(repr=False)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture in pixels."""
        return self.state.pixels.shape[2], self.state.pixels.shape[3]

    @property
    def image(self) -> Image:
        """The best picture of this level: uint8 [H, W, 3], BGR."""
        return self.finish(self.state.pixels)

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the best picture of this level; the suffix chooses the format.

        Raises:
            OutputError: Unknown suffix, or the file cannot be written.
        """
        write_image(path, self.image)


def paint(
    content: Image,
    style: Image | Sequence[Image],
    options: PaintOptions | None = None,
    *,
    networks: Networks | None = None,
    mask: Image | Sequence[Image] | None = None,
    initial: Image | None = None,
    resume: PaintState | None = None,
) -> Iterator[PaintProgress]:
    """Paints a photograph in one or several styles, step by step.

    Args:
        content: uint8 [H, W, 3], BGR, the photograph.
        style: uint8 [h, w, 3], BGR, or several of them.
        options: Options of the painting.
        networks: Loss networks; None uses the best on this machine, and leaves the default region term out without
            SqueezeNet.
        mask: Where each style is used: uint8 [H, W] or [H, W, 3] with one grey level per style (darkest first), or one
            picture per style, white where the style is used.
        initial: uint8, BGR, any size: the start for `init="stylized"` instead of the feed-forward network's painting.
        resume: State of an interrupted painting with the same options and pictures.

    Yields:
        A `PaintProgress` after each step; the last one has the finished painting.

    Raises:
        UsageError: Options, mask and pictures do not match, or the picture does not fit into memory.
        InputError: A style picture is smaller than 64 px, or weights are missing on this machine.
        DivergedError: A loss is NaN or infinite.

    Example:
        >>> for progress in artrt.models.paint(photo, painting):
        ...     print(progress.step, progress.total)
        >>> result = progress.image
    """
    options = options or PaintOptions()
    if networks is None:
        if options.weights == DEFAULT_WEIGHTS:
            options = replace(options, weights=installed_weights(options.weights))
        networks = load_networks(options.weights, device=options.device)
    styles = [style] if isinstance(style, np.ndarray) else list(style)
    subject = Subject(content, styles, options, mask)
    size = subject.sizes[-1]
    available = available_bytes(options.device)
    check_memory(*size, network=networks.loss.name, tile_px=options.tile_px, available=available)
    masks = [] if mask is None else [mask] if isinstance(mask, np.ndarray) else list(mask)
    pictures = subject_hash([content, *styles, *masks], networks.loss.name)
    if resume is not None:
        resume.check(options)
        resume.check_subject(pictures)
    start = resume or PaintState(
        subject.start(subject.sizes[0], initial), 0, 0, fingerprint(options), pictures
    )
    return _levels(subject, networks, options, start)


def _levels(
    subject: Subject, networks: Networks, options: PaintOptions, state: PaintState
) -> Iterator[PaintProgress]:
    """Runs all levels from a state on, coarse to fine."""
    started, plan = time.monotonic(), options.steps_of_levels()
    for level in range(state.level, len(plan)):
        size, done = subject.sizes[level], state.step if level == state.level else 0
        with telling_what_fits(*size, network=networks.loss.name, tile_px=options.tile_px):
            for step in _level(subject, networks, options, size, state, steps=max(1, plan[level] - done)):
                done += 1
                state = replace(state, pixels=step.best.pixels, level=level, step=done)
                yield PaintProgress(
                    step=sum(plan[:level]) + done,
                    steps=sum(plan),
                    level=level + 1,
                    levels=len(plan),
                    terms=step.now.terms,
                    total=step.now.total,
                    best=step.best.evaluation.total,
                    seconds=time.monotonic() - started,
                    state=state,
                    finish=subject.finish,
                )


@dataclass(frozen=True)
class _LevelStep:
    """The losses of this step, and the best picture of the level."""

    now: Evaluation
    best: Step


def _level(
    subject: Subject,
    networks: Networks,
    options: PaintOptions,
    size: tuple[int, int],
    state: PaintState,
    *,
    steps: int,
) -> Iterator[_LevelStep]:
    """Runs the steps of one level; the match term is used only at the last level."""
    weights = options.weights if size == subject.sizes[-1] else replace(options.weights, match=0.0)
    objective = Objective(
        networks,
        subject.content_at(size),
        subject.styles_at(size),
        weights,
        comparison=compared(options),
        style_scales=options.style_scales,
        salient_share=options.salient_share,
    )
    start = resized(state.pixels.to(options.device), size)
    best: Step | None = None
    for step in OPTIMIZERS[options.optimizer](objective, start, steps=steps):
        if not math.isfinite(step.evaluation.total):
            raise DivergedError(_blame(step, objective.weights))
        if best is None or step.evaluation.total < best.evaluation.total:
            best = step
        yield _LevelStep(step.evaluation, best)


def _blame(step: Step, weights: dict[str, float]) -> str:
    """Names the weight to lower: of a term that is not finite, or else of the largest weighted term."""
    terms = step.evaluation.terms
    broken = [name for name, value in terms.items() if not math.isfinite(value)]
    name = max(broken or terms, key=lambda term: weights[term])
    return f"the {name} loss is not finite: its weight of {weights[name]:g} is too large for this picture"
