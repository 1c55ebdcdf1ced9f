"""The batches of each step of a training; for a GPU, worker processes prepare them while it computes."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator
from itertools import count
from typing import Any, TypeVar

import cv2
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

BatchType = TypeVar("BatchType")

#: Most worker processes; each prepares some steps in advance.
WORKERS, STEPS_AHEAD = 6, 4


class StepBatches(IterableDataset[BatchType]):
    """The batches of a training from a step on, in order; they do not depend on the number of workers.

    Args:
        step: The first step.
    """

    def __init__(self, *, step: int = 0) -> None:
        self._step = step

    def __iter__(self) -> Iterator[BatchType]:
        worker = get_worker_info()
        first, stride = (worker.id, worker.num_workers) if worker else (0, 1)
        for step in count(self._step + first, stride):
            yield self.at(step)

    @abstractmethod
    def at(self, step: int) -> BatchType:
        """The batch of a step; it depends on nothing that changes during the training."""


def loaded(batches: StepBatches[BatchType], *, device: torch.device) -> Iterator[BatchType]:
    """Iterates over batches: prepared by worker processes for a GPU, in this process for a CPU."""
    if device.type != "cuda":
        return iter(batches)
    workers = min(WORKERS, max(1, (os.cpu_count() or 2) - 2))
    return iter(parallel(batches, workers=workers, pin_memory=True))


def parallel(batches: StepBatches[BatchType], *, workers: int, **settings: Any) -> DataLoader[BatchType]:
    """A loader with worker processes, which yields the batches in order."""
    return DataLoader(
        batches,
        batch_size=None,
        num_workers=workers,
        prefetch_factor=STEPS_AHEAD,
        worker_init_fn=_one_thread,
        **settings,
    )


def _one_thread(worker: int) -> None:
    cv2.setNumThreads(0)  # OpenCV's threads do not survive the fork
