"""How a loss network pulls a picture towards a painting: distances whose gradients have gradients.

The distances are those of `paint` and of the trainings: moments of the style layers, and instance-normalised features
of the photograph.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from ..moments import Moments, moments_distances

#: Layers of the style term with their shares, and of the content term with theirs.
STYLE_SHARES = {
    "relu1_1": 1.0,
    "relu2_1": 1.5,
    "relu3_1": 2.0,
    "relu3_3": 1.5,
    "relu4_1": 1.0,
    "relu5_1": 0.4,
}
CONTENT_SHARES = {"relu3_3": 0.3, "relu4_1": 0.6}


def losses(features: Mapping[str, Tensor]) -> Tensor:
    """Weighted style and content distances by layer and picture, of features of pictures, styles and photographs."""
    parts = {name: value.chunk(3) for name, value in features.items()}
    distances = [
        share * moments_distances({name: _moments(parts[name][0])}, {name: _moments(parts[name][1])})
        for name, share in STYLE_SHARES.items()
    ]
    for name, share in CONTENT_SHARES.items():
        difference = _normalised(parts[name][0]) - _normalised(parts[name][2])
        distances.append(share * difference.square().mean(dim=(1, 2, 3)))
    return torch.stack(distances)


def _moments(features: Tensor) -> Moments:
    """As `moments.moments`, of plain operations, so that the gradient has a gradient."""
    flat = features.flatten(2)
    mean = flat.mean(dim=2)
    centred = flat - mean[:, :, None]
    return Moments(mean, centred @ centred.transpose(1, 2) / flat.shape[2])


def _normalised(features: Tensor) -> Tensor:
    """Instance normalisation of plain operations."""
    variance, mean = torch.var_mean(features, dim=(2, 3), keepdim=True, correction=0)
    return (features - mean) / (variance + 1e-5).sqrt()


def disagreement(pull: Tensor, wanted: Tensor) -> Tensor:
    """How differently two gradients pull, at full and at a quarter of the size, and how differently hard."""
    angles = []
    for scale in (1, 4):
        a, b = F.avg_pool2d(pull, scale).flatten(1), F.avg_pool2d(wanted, scale).flatten(1)
        angles.append(1 - F.cosine_similarity(a, b, dim=1, eps=1e-12).mean())
    sizes = [torch.linalg.vector_norm(g, dim=(1, 2, 3)) + 1e-12 for g in (pull, wanted)]
    size: Tensor = (sizes[0] / sizes[1]).log().square().mean()
    return torch.stack(angles).mean() + 0.05 * size


def direction(pull: Tensor) -> Tensor:
    """Fine and coarse parts of a gradient, each with a mean square of 1."""
    coarse = F.interpolate(F.avg_pool2d(pull, 8), size=pull.shape[2:], mode="bilinear", align_corners=False)
    parts = [
        part / (part.square().mean(dim=(1, 2, 3), keepdim=True).sqrt() + 1e-12) for part in (pull, coarse)
    ]
    return parts[0] + parts[1]


def disturbed(pictures: Tensor) -> Tensor:
    """Photographs at the start of a painting: as they are, noisy, or blended with another."""
    like = pictures[:, :1, :1, :1]
    blended = pictures.lerp(pictures.roll(1, dims=0), 0.5 * torch.rand_like(like).square())
    return (blended + 0.15 * torch.rand_like(like).square() * torch.randn_like(pictures)).clamp(0, 1)
