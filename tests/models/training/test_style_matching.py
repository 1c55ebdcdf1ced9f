"""The match term: near for the style's own places, far for others, and it can be learnt from."""

from __future__ import annotations

import torch

from artrt.models.training.style_matching import (
    KNOWN_PLACES,
    MATCHED_PLACES,
    match_distance,
    match_layers,
    style_places,
)

CHANNELS = 12


def features(count: int, side: int, *, seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    sides = {layer: side // 2 if layer == "relu4_1" else side for layer in sorted(match_layers())}
    return {
        layer: torch.randn(count, CHANNELS, here, here, generator=generator) for layer, here in sides.items()
    }


def distance(pictures, styles):
    return match_distance(pictures, styles, generator=torch.Generator().manual_seed(0))


def test_the_style_itself_has_no_distance():
    style = features(1, 12, seed=1)
    assert distance(style, [style_places(style)]) < 1e-5


def test_every_picture_is_compared_with_its_own_style():
    first, second = features(1, 12, seed=1), features(1, 12, seed=2)
    both = {layer: torch.cat([first[layer], second[layer]]) for layer in first}
    places = [style_places(first), style_places(second)]
    assert distance(both, places) < 1e-5
    assert distance(both, places[::-1]) > 0.1


def test_more_places_than_are_compared():
    side = int(max(KNOWN_PLACES, MATCHED_PLACES) ** 0.5) + 8
    style = features(1, side, seed=1)
    places = style_places(style)
    assert all(known.directions.shape[1] <= KNOWN_PLACES for known in places)
    assert 0 < distance(features(1, side, seed=2), [places]) < 1


def test_learning_comes_nearer():
    picture = features(1, 8, seed=3)
    places = [style_places(features(1, 8, seed=4))]
    for layer in picture.values():
        layer.requires_grad_()
    before = distance(picture, places)
    before.backward()
    moved = {layer: value - 5 * value.grad for layer, value in picture.items()}
    assert distance(moved, places) < before
