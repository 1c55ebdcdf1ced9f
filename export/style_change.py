"""Measures how much an artefact changes the style: the style distance between its paintings and the original's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..engine.errors import ArtrtError
from ..engine.frame import Image
from ..models.moments import Moments, moments, moments_distances
from ..models.networks.loss_networks import load_loss_network
from ..models.networks.pretrained import locate
from .parity import Paint

FILTERS = 32
SCALES = 4


def style_loss_change(original: Paint, artefact: Paint, pictures: Sequence[Image]) -> float:
    """The largest style distance of any picture (`models.moments`): 0 for equal paintings, 1 for nothing in common.

    Features come from the `compact` loss network if its weights are on this machine, else from fixed random filters at
    four scales, which also distinguish textures and colours well enough.

    Args:
        original: Paints in float32.
        artefact: Paints in the precision to measure.
        pictures: uint8 [H, W, 3] BGR each.
    """
    losses = []
    with torch.inference_mode():
        for picture in pictures:
            expected, got = _statistics(original(picture)), _statistics(artefact(picture))
            losses.append(float(moments_distances(got, expected)))
    return round(max(losses), 6)


def _statistics(picture: Image) -> Mapping[str, Moments]:
    rgb = torch.from_numpy(picture[:, :, ::-1].copy()).permute(2, 0, 1)[None].float() / 255
    try:
        folder = locate("compact")[0].parent
        features = load_loss_network("compact", directory=folder)(rgb)
    except (ArtrtError, IndexError):
        features = _random_features(rgb)
    return {name: moments(feature) for name, feature in features.items()}


def _random_features(rgb: Tensor) -> dict[str, Tensor]:
    random = np.random.default_rng(0).standard_normal((FILTERS, 3, 7, 7)).astype(np.float32)
    filters = torch.from_numpy(random / np.sqrt(np.square(random).sum((1, 2, 3), keepdims=True)))
    features = {}
    for scale in range(SCALES):
        features[f"scale{scale}"] = F.relu(F.conv2d(rgb - 0.5, filters))
        rgb = F.avg_pool2d(rgb, 2) if min(rgb.shape[2:]) >= 32 else rgb
    return features
