"""The batches of a training: the same and in order with and without worker processes."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from artrt.models.photos import Photographs
from artrt.models.step_batches import loaded, parallel
from artrt.models.training.loading import Batches
from artrt.models.training.options import TrainingOptions


class Pool:
    """Paintings of one colour, chosen at random."""

    def crops(self, rng: np.random.Generator, size: int) -> np.ndarray:
        return np.broadcast_to(rng.integers(0, 256, (size, 1, 1, 3), np.uint8), (size, 8, 8, 3)).copy()


@pytest.fixture
def options() -> TrainingOptions:
    return TrainingOptions(
        paintings={}, photographs=Path(), output=Path(), batch=3, encoder_batch=2, crop_px=16, seed=5
    )


@pytest.fixture
def photographs() -> Photographs:
    images = [np.random.default_rng(side).integers(0, 256, (side, 40, 3), np.uint8) for side in (24, 32, 48)]
    return Photographs(images, [])


def same(a, b) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_workers_yield_the_batches_of_one_process_in_order(options, photographs):
    batches = Batches(options, photographs, Pool(), step=4)
    expected = [batches.at(step) for step in range(4, 9)]
    assert expected[0].content.shape == (5, 16, 16, 3)
    assert expected[0].paintings.shape == (2, 8, 8, 3)
    assert not same(expected[0], expected[1])
    loader = parallel(batches, workers=2, multiprocessing_context="forkserver")
    for iterator in (iter(loader), loaded(batches, device=torch.device("cpu"))):
        assert all(same(a, b) for a, b in zip(islice(iterator, 5), expected, strict=True))


def test_an_encoder_alone_gets_no_pictures_of_the_known_styles(options, photographs):
    alone = Batches(replace(options, batch=0), photographs, Pool(), step=0).at(0)
    assert alone.content.shape[0] == alone.paintings.shape[0] == 2


def test_without_a_pool_there_are_no_paintings(options, photographs):
    batch = Batches(options, photographs, None, step=0).at(0)
    assert batch.content.shape[0] == 3
    assert batch.paintings.shape[0] == 0
