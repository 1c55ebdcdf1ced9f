"""The batches of a training: the same and in order with and without worker processes."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from artrt.models.photos import Photographs
from artrt.models.step_batches import loaded, parallel
from artrt.models.training.loading import Batches
from artrt.models.training.options import TrainingOptions
from artrt.models.training.painting_pool import HELD_OUT, PaintingPool


@pytest.fixture
def paintings(tmp_path: Path) -> PaintingPool:
    """Paintings of one colour, one more than a pool holds out; a class of the package, which any process can load."""
    for number in range(HELD_OUT + 2):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((72, 80, 3), 14 * number, np.uint8))
    return PaintingPool([tmp_path], crop_px=64)


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


def test_workers_yield_the_batches_of_one_process_in_order(options, photographs, paintings):
    batches = Batches(options, photographs, paintings, step=4)
    expected = [batches.at(step) for step in range(4, 9)]
    assert expected[0].content.shape == (5, 16, 16, 3)
    assert expected[0].paintings.shape == (2, 64, 64, 3)
    assert not same(expected[0], expected[1])
    loader = parallel(batches, workers=2, multiprocessing_context="forkserver")
    for iterator in (iter(loader), loaded(batches, device=torch.device("cpu"))):
        assert all(same(a, b) for a, b in zip(islice(iterator, 5), expected, strict=True))


def test_an_encoder_alone_gets_no_pictures_of_the_known_styles(options, photographs, paintings):
    alone = Batches(replace(options, batch=0), photographs, paintings, step=0).at(0)
    assert alone.content.shape[0] == alone.paintings.shape[0] == 2


def test_without_a_pool_there_are_no_paintings(options, photographs):
    batch = Batches(options, photographs, None, step=0).at(0)
    assert batch.content.shape[0] == 3
    assert batch.paintings.shape[0] == 0
