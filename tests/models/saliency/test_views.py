"""The views of a saliency training: of one size a step, and the same with and without worker processes."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import torch

from artrt.models.networks.saliency import SaliencyConfig
from artrt.models.saliency.options import SaliencyTrainingOptions
from artrt.models.saliency.training_data import TrainingData
from artrt.models.saliency.views import StepViews
from artrt.models.step_batches import parallel

SMALL = SaliencyConfig(last="fire6", width=16, landscape_px=(32, 48), square_px=(32, 32))


def views(*, share: float = 0.5, photographs: int = 2, step: int = 0) -> StepViews:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (40, 60, 5), np.uint8) for _ in range(3 + photographs)]
    material = TrainingData([pictures[:1], pictures[1:3]], np.array([0.5, 0.5]), pictures[3:])
    folder = Path()
    options = SaliencyTrainingOptions(
        folder, folder, folder, config=SMALL, batch=8, photograph_share=share, seed=3
    )
    return StepViews(options, material, step=step)


def test_workers_yield_the_views_of_one_process_in_order() -> None:
    expected = [views().at(step) for step in range(4, 8)]
    assert not torch.equal(expected[0].unmasked, expected[1].unmasked)
    loader = parallel(views(step=4), workers=2, multiprocessing_context="forkserver")
    for found, wanted in zip(islice(loader, 4), expected, strict=True):
        assert torch.equal(found.layers, wanted.layers)
        assert torch.equal(found.unmasked, wanted.unmasked)


def test_steps_have_views_of_each_grid() -> None:
    shapes = {tuple(views().at(step).layers.shape) for step in range(12)}
    assert shapes == {(8, 32, 48, 5), (8, 48, 32, 5), (8, 32, 32, 5)}


def test_only_photographs_count_as_unmasked() -> None:
    share = np.mean([views().at(step).unmasked.float().mean() for step in range(20)])
    assert 0.35 < share < 0.65
    assert not views(photographs=0).at(0).unmasked.any()
