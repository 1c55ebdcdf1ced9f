"""Optimizers that change the pixels of a picture to lower an objective.

Both optimise a pyramid instead of pixels: offsets at full, half, quarter, ... resolution that add up to the picture.
One step can then change a whole region as easily as a pixel, so L-BFGS and Adam need about half the steps for the same
loss, with less pixel noise.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from .objective import Evaluation

Objective = Callable[[Tensor], Evaluation]

#: Levels of the pyramid; each has half the resolution of the one before.
LEVELS = 4
#: Memory limit of L-BFGS in bytes, and its largest history in steps.
HISTORY_BYTES, HISTORY_STEPS = 1 << 29, 30
#: L-BFGS: largest change of an offset in the first step and in any, in units of [0, 1].
FIRST_STEP, LONGEST_STEP = 0.02, 1.0
#: L-BFGS: sufficient share of the predicted decrease (Armijo), shortest step, smallest curvature to store.
SUFFICIENT, SHORTEST, CURVATURE = 1e-4, 1e-3, 1e-8
ADAM_LEARNING_RATE = 0.01
#: Largest decay of the average over Adam's iterates.
ADAM_AVERAGE = 0.95


@dataclass(frozen=True)
class Step:
    """A picture during the optimisation.

    Attributes:
        pixels: float [1, 3, H, W], RGB, the evaluated picture.
        evaluation: Its losses.
    """

    pixels: Tensor
    evaluation: Evaluation


class Pyramid(nn.Module):
    """A picture as a start plus offsets at several resolutions, initially zero.

    Args:
        start: float [1, 3, H, W].
        levels: Number of resolutions.
    """

    start: Tensor

    def __init__(self, start: Tensor, *, levels: int = LEVELS) -> None:
        super().__init__()
        self.register_buffer("start", start.detach().clone())
        height, width = start.shape[2:]
        sizes = [(-(-height // 2**level), -(-width // 2**level)) for level in range(levels)]
        self.offsets = nn.ParameterList(start.new_zeros((1, 3, *size)) for size in sizes)

    def forward(self) -> Tensor:
        """The picture, float [1, 3, H, W]."""
        size = self.start.shape[2:]
        picture: Tensor = self.start + self.offsets[0]
        for offset in list(self.offsets)[1:]:
            picture = picture + F.interpolate(offset, size=size, mode="bilinear", align_corners=False)
        return picture


def lbfgs(objective: Objective, start: Tensor, *, steps: int) -> Iterator[Step]:
    """L-BFGS (Liu and Nocedal 1989) with backtracking (Armijo); every trial of the line search is a step.

    Args:
        objective: The objective to minimise.
        start: float [1, 3, H, W], RGB.
        steps: Number of evaluations of the objective.

    Yields:
        Each picture with its losses, in the order of the steps; a step can be worse than the previous one.
    """
    pyramid = Pyramid(start)
    memory = Memory(pyramid)
    here = _measure(objective, pyramid)
    yield here.step
    direction, length = memory.direction(here.gradient), 1.0
    slope = float(direction @ here.gradient)
    for _ in range(steps - 1):
        trial = _measure(objective, pyramid, here.offsets + length * direction)
        yield trial.step
        if trial.total <= here.total + SUFFICIENT * length * slope:
            memory.remember(trial.offsets - here.offsets, trial.gradient - here.gradient)
            here, length = trial, 1.0
        elif length > SHORTEST:
            length *= _shorter(here.total, trial.total, slope * length)
            continue
        else:
            memory.forget()
            length = 1.0
        direction = memory.direction(here.gradient)
        slope = float(direction @ here.gradient)


class Memory:
    """The last steps and gradient changes of L-BFGS.

    Args:
        pyramid: The optimised pyramid; its size decides how many steps fit into `HISTORY_BYTES`.
    """

    def __init__(self, pyramid: Pyramid) -> None:
        floats = sum(offset.numel() for offset in pyramid.offsets)
        length = max(4, min(HISTORY_STEPS, HISTORY_BYTES // (8 * floats)))
        self._pairs: deque[tuple[Tensor, Tensor]] = deque(maxlen=length)

    def remember(self, step: Tensor, change: Tensor) -> None:
        """Stores a step and its gradient change, if the curvature along it is positive."""
        if float(step @ change) > CURVATURE * float(step.norm() * change.norm()):
            self._pairs.append((step, change))

    def forget(self) -> None:
        """Clears the history."""
        self._pairs.clear()

    def direction(self, gradient: Tensor) -> Tensor:
        """The two-loop recursion; without history, steepest descent by `FIRST_STEP`; at most `LONGEST_STEP`."""
        if not self._pairs:
            return -gradient * (FIRST_STEP / gradient.abs().max().clamp(min=1e-30))
        q, shares = -gradient, []
        for step, change in reversed(self._pairs):
            share = (step @ q) / (step @ change)
            q = q - share * change
            shares.append(share)
        step, change = self._pairs[-1]
        q = q * ((step @ change) / (change @ change))
        for (step, change), share in zip(self._pairs, reversed(shares), strict=True):
            q = q + step * (share - (change @ q) / (step @ change))
        return q * (LONGEST_STEP / q.abs().max().clamp(min=LONGEST_STEP))


def _shorter(before: float, after: float, slope: float) -> float:
    """The minimum of the parabola through both values, as a share of the step, between 0.1 and 0.5."""
    curvature = after - before - slope
    return min(0.5, max(0.1, -slope / (2 * curvature))) if curvature > 0 else 0.5


def adam(objective: Objective, start: Tensor, *, steps: int) -> Iterator[Step]:
    """Adam (Kingma and Ba 2015) with a falling learning rate; ends with the average of its last iterates.

    Args and yields as in `lbfgs`; the last step evaluates the average.
    """
    pyramid = Pyramid(start)
    optimizer = torch.optim.Adam(pyramid.parameters(), lr=ADAM_LEARNING_RATE, betas=(0.9, 0.99))
    average = start.detach().clone()
    for number in range(steps - 1):
        for group in optimizer.param_groups:
            group["lr"] = ADAM_LEARNING_RATE * (1 - 0.9 * number / steps)
        yield _measure(objective, pyramid).step
        optimizer.step()
        kept = min(ADAM_AVERAGE, (number + 1) / (number + 10))
        average.lerp_(pyramid().detach(), 1 - kept)
    yield Step(average, objective(average))


#: Name of the option -> optimizer.
OPTIMIZERS: dict[str, Callable[..., Iterator[Step]]] = {"lbfgs": lbfgs, "adam": adam}


@dataclass(frozen=True)
class _Point:
    """An evaluated point: offsets and gradient as float vectors [n]."""

    offsets: Tensor
    gradient: Tensor
    step: Step

    @property
    def total(self) -> float:
        return self.step.evaluation.total


def _measure(objective: Objective, pyramid: Pyramid, offsets: Tensor | None = None) -> _Point:
    """Evaluates the pyramid's picture after setting `offsets`; the gradient is also stored in the pyramid."""
    parameters = list(pyramid.parameters())
    if offsets is not None:
        vector_to_parameters(offsets, parameters)
    pyramid.zero_grad()
    with torch.enable_grad():
        picture = pyramid()
    evaluation = objective(picture.detach())
    picture.backward(evaluation.gradient)
    gradient = torch.cat([parameter.grad.flatten() for parameter in parameters if parameter.grad is not None])
    return _Point(parameters_to_vector(parameters).detach(), gradient, Step(picture.detach(), evaluation))
