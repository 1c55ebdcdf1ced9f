"""The match term of a training: every place of a painting against the most similar place of its style picture.

Means and covariances describe a whole picture; a smudge in one place can make up for a hard edge in another. Here each
place must look like some place of the style picture, so strokes and facets get clean borders. See `painting.matching`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ..painting.matching import Places, distances, joined, places

#: Layers that are matched together: each group has one resolution.
MATCH_GROUPS = (("relu3_1", "relu3_3"), ("relu4_1",))
#: Scales at which pictures are matched; reduced by more, a crop has too few places.
MATCH_SCALES = (1, 2)
#: Number of random places of a painting that are matched at each step, and of a style picture that are known.
MATCHED_PLACES, KNOWN_PLACES = 1024, 2048

#: The places of one style picture at one scale, for each of `MATCH_GROUPS`.
StylePlaces = tuple[Places, ...]


def match_layers() -> set[str]:
    """All layers of `MATCH_GROUPS`."""
    return {layer for group in MATCH_GROUPS for layer in group}


def style_places(features: Mapping[str, Tensor]) -> StylePlaces:
    """The places of one style picture.

    Args:
        features: float [1, C, h, w] of each of `match_layers`.
    """
    found = [places([joined(features, group).float()]) for group in MATCH_GROUPS]
    return tuple(Places(known.mean, known.directions[:, :KNOWN_PLACES]) for known in found)


def match_distance(
    features: Mapping[str, Tensor], styles: Sequence[StylePlaces], *, generator: torch.Generator
) -> Tensor:
    """Mean distance of places of paintings to the most similar places of their style pictures, a scalar in [0, 2].

    Args:
        features: float [N, C, h, w] of the paintings, of each of `match_layers`.
        styles: The places of N style pictures.
        generator: Randomness of the choice of places (CPU).
    """
    found = []
    for index, style in enumerate(styles):
        picture = {layer: features[layer][index : index + 1] for layer in match_layers()}
        for group, known in zip(MATCH_GROUPS, style, strict=True):
            here = joined(picture, group)
            chosen = torch.randperm(here.shape[1], generator=generator)[:MATCHED_PLACES].to(here.device)
            found.append(distances(here[:, chosen].float(), known).mean())
    return torch.stack(found).mean()
