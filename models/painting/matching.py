"""Nearest-neighbour feature matching: moves every place of a painting towards the most similar place of its style.

Statistics describe amounts; matching describes how a single stroke looks, and transfers whole strokes.

Sources: Kolkin et al., "Neural neighbor style transfer", 2022 (arXiv:2203.13215); Zhang et al., "ARF: artistic radiance
fields", ECCV 2022 (arXiv:2206.06360).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

#: Layers whose features are matched together; all have the same resolution.
MATCH_LAYERS = ("relu3_1", "relu3_3")
#: Number of random places kept per style, and of a painting's places per block.
MOST_PLACES, CHUNK = 4096, 4096


class Places(NamedTuple):
    """Feature vectors at places of a style picture.

    Attributes:
        mean: float [C, 1], mean of the picture's features, subtracted from both sides.
        directions: float [C, M], centred features, normalised to length 1.
    """

    mean: Tensor
    directions: Tensor


def places(features: Sequence[Tensor]) -> Places:
    """Computes the places that a painting is matched with.

    Args:
        features: float [C, P] of each tile of the style; see `joined`.
    """
    everything = torch.cat(list(features), dim=1)
    mean = everything.mean(dim=1, keepdim=True)
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(everything.shape[1], generator=generator)[:MOST_PLACES].to(everything.device)
    return Places(mean, F.normalize(everything[:, order] - mean, dim=0))


def joined(features: Mapping[str, Tensor], layers: Sequence[str]) -> Tensor:
    """Concatenates features of layers of one resolution, float [1, C, h, w] each, to float [sum of C, h * w]."""
    return torch.cat([features[layer][0].flatten(1) for layer in layers])


def distances(features: Tensor, style: Places) -> Tensor:
    """One minus the cosine similarity to the most similar place of the style, float [P], between 0 and 2.

    Args:
        features: float [C, P] of a painting; see `joined`.
        style: The places of its style.
    """
    directions = F.normalize(features - style.mean, dim=0)
    with torch.no_grad():
        parts = torch.split(directions, CHUNK, dim=1)
        nearest = torch.cat([(part.T @ style.directions).argmax(dim=1) for part in parts])
    return 1 - (directions * style.directions[:, nearest]).sum(dim=0)
