"""The pictures of each step of a training."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..photos import Photographs, find_photographs, load_photographs, split_held_out
from ..step_batches import StepBatches
from .options import TrainingOptions
from .painting_pool import PaintingPool


class Batch(NamedTuple):
    """The pictures of a step, RGB.

    Attributes:
        content: uint8 [N, crop_px, crop_px, 3], photographs.
        paintings: uint8 [M, h, w, 3], a painting for each of the last M photographs; M is 0 without a style encoder.
    """

    content: Tensor
    paintings: Tensor


class Batches(StepBatches[Batch]):
    """The batches of a training from a step on, which depend only on (seed, step)."""

    def __init__(
        self, options: TrainingOptions, photographs: Photographs, pool: PaintingPool | None, *, step: int
    ) -> None:
        super().__init__(step=step)
        self._options, self._photographs, self._pool = options, photographs, pool

    def at(self, step: int) -> Batch:
        """The batch of a step."""
        options = self._options
        rng = np.random.default_rng([options.seed, step])
        others = options.encoder_batch if self._pool is not None else 0
        own = 0 if options.encoder_alone else options.batch
        content = self._photographs.crops(rng, own + others, options.crop_px)
        paintings = self._pool.crops(rng, others) if self._pool else np.zeros((0, 1, 1, 3), np.uint8)
        return Batch(torch.from_numpy(content), torch.from_numpy(paintings))


def prepare_photographs(options: TrainingOptions) -> Photographs:
    """Finds, checks and loads the photographs of a training, optionally without the held-out ones.

    Raises:
        InputError: None of them is usable.
    """
    paths = find_photographs(options.photographs)
    if options.hold_out:
        paths, _ = split_held_out(paths)
    return load_photographs(paths, short_side_px=max(384, options.crop_px))
