"""The pictures of each step of a training; on a GPU, worker processes prepare them while it computes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple, TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from ..photos import Photographs, find_photographs, load_photographs, split_held_out
from .options import TrainingOptions
from .painting_pool import PaintingPool

Item = TypeVar("Item")
#: Most worker processes; each prepares some steps in advance.
WORKERS, STEPS_AHEAD = 6, 4


class Batch(NamedTuple):
    """The pictures of a step, RGB.

    Attributes:
        content: uint8 [N, crop_px, crop_px, 3], photographs.
        paintings: uint8 [M, h, w, 3], a painting for each of the last M photographs; M is 0 without a style encoder.
    """

    content: Tensor
    paintings: Tensor


class Batches(IterableDataset[Batch]):
    """The batches of a training from a step on; they depend only on (seed, step), not on the number of workers."""

    def __init__(
        self, options: TrainingOptions, photographs: Photographs, pool: PaintingPool | None, *, step: int
    ) -> None:
        self._options, self._photographs, self._pool, self._step = options, photographs, pool, step

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        first, stride = (worker.id, worker.num_workers) if worker else (0, 1)
        for step in count(self._step + first, stride):
            yield self.at(step)

    def at(self, step: int) -> Batch:
        """The batch of a step."""
        options = self._options
        rng = np.random.default_rng([options.seed, step])
        others = options.encoder_batch if self._pool is not None else 0
        own = 0 if options.encoder_alone else options.batch
        content = self._photographs.crops(rng, own + others, options.crop_px)
        paintings = self._pool.crops(rng, others) if self._pool else np.zeros((0, 1, 1, 3), np.uint8)
        return Batch(torch.from_numpy(content), torch.from_numpy(paintings))


def loaded(batches: Batches, *, device: torch.device) -> Iterator[Batch]:
    """Iterates over batches: prepared by worker processes for a GPU, in this process for a CPU."""
    if device.type != "cuda":
        return iter(batches)
    workers = min(WORKERS, max(1, (os.cpu_count() or 2) - 2))
    return iter(parallel(batches, workers=workers, pin_memory=True))


def parallel(batches: IterableDataset[Item], *, workers: int, **settings: Any) -> DataLoader[Item]:
    """A loader with worker processes, which yields the batches in order."""
    return DataLoader(
        batches,
        batch_size=None,
        num_workers=workers,
        prefetch_factor=STEPS_AHEAD,
        worker_init_fn=_one_thread,
        **settings,
    )


def prepare_photographs(options: TrainingOptions) -> Photographs:
    """Finds, checks and loads the photographs of a training, optionally without the held-out ones.

    Raises:
        InputError: None of them is usable.
    """
    paths = find_photographs(options.photographs)
    if options.hold_out:
        paths, _ = split_held_out(paths)
    return load_photographs(paths, short_side_px=max(384, options.crop_px))


def _one_thread(worker: int) -> None:
    cv2.setNumThreads(0)  # OpenCV's threads do not survive the fork
