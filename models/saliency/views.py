"""Random views of the training pictures for each step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..networks.saliency import SaliencyConfig
from ..step_batches import StepBatches
from .options import SaliencyTrainingOptions
from .pictures import Augmentation
from .training_data import TrainingData


class Views(NamedTuple):
    """The views of a step.

    Attributes:
        layers: uint8 [N, H, W, 5]: R, G, B, mask, activation map.
        unmasked: bool [N], whether a view shows a photograph without a drawn mask.
    """

    layers: Tensor
    unmasked: Tensor


class StepViews(StepBatches[Views]):
    """The views of a training, which depend only on (seed, step).

    Args:
        options: Options of the training.
        data: Decoded pictures.
        step: The first step.
    """

    def __init__(self, options: SaliencyTrainingOptions, data: TrainingData, *, step: int) -> None:
        super().__init__(step=step)
        self._options, self._data = options, data
        self._augmentation = Augmentation([layers for group in data.groups for layers in group])

    def at(self, step: int) -> Views:
        """The views of a step."""
        options = self._options
        rng = np.random.default_rng([options.seed, step])
        size = _view_size(options.config, rng)
        share = options.photograph_share if self._data.photographs else 0.0
        unmasked = rng.random(options.batch) < share
        views = [self._augmentation.view(self._data.draw(bool(flag), rng), size, rng) for flag in unmasked]
        return Views(torch.from_numpy(np.stack(views)), torch.from_numpy(unmasked))


def _view_size(config: SaliencyConfig, rng: np.random.Generator) -> tuple[int, int]:
    height, width = config.landscape_px
    sizes = [config.landscape_px, config.landscape_px, config.square_px, (width, height)]
    return sizes[rng.integers(len(sizes))]
