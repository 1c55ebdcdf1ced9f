"""The pull of a loss network: distances, and how far two gradients disagree."""

from __future__ import annotations

import torch

from artrt.models.losses import structure_loss
from artrt.models.moments import moments, moments_distances
from artrt.models.training.gradient_matching import (
    CONTENT_SHARES,
    STYLE_SHARES,
    direction,
    disagreement,
    disturbed,
    losses,
)


def features(count: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.rand(3 * count, 4, 6, 6, generator=generator) for name in STYLE_SHARES}


def test_the_distances_are_those_of_paintings():
    given = features(2)
    found = losses(given)
    assert found.shape == (len(STYLE_SHARES) + len(CONTENT_SHARES), 2)
    picture, style, photograph = given["relu3_3"].chunk(3)
    row = list(STYLE_SHARES).index("relu3_3")
    style_term = moments_distances({"x": moments(picture)}, {"x": moments(style)})
    torch.testing.assert_close(found[row], STYLE_SHARES["relu3_3"] * style_term)
    content = [structure_loss(picture[i : i + 1], photograph[i : i + 1]) for i in range(2)]
    row = len(STYLE_SHARES) + list(CONTENT_SHARES).index("relu3_3")
    torch.testing.assert_close(found[row], CONTENT_SHARES["relu3_3"] * torch.stack(content))


def test_the_gradient_of_the_distances_has_a_gradient():
    given = {name: value.requires_grad_() for name, value in features(1).items()}
    (slope,) = torch.autograd.grad(losses(given).sum(), given["relu4_1"], create_graph=True)
    (second,) = torch.autograd.grad(slope.square().sum(), given["relu4_1"])
    assert float(second.abs().sum()) > 0


def test_gradients_agree_with_themselves_and_disagree_with_their_opposite():
    pull = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert float(disagreement(pull, pull)) < 1e-6
    assert abs(float(disagreement(pull, -pull)) - 2) < 1e-5
    longer = float(disagreement(2.718282 * pull, pull))
    assert abs(longer - 0.05) < 1e-4  # the same direction, e times as long


def test_a_direction_has_fine_and_coarse_parts_of_one_size():
    pull = 1e-5 * torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    step = direction(pull)
    assert 1.0 < float(step.square().mean().sqrt()) < 2.0
    coarse = torch.nn.functional.avg_pool2d(step, 16)
    assert float(coarse.square().mean()) > 0.3


def test_disturbed_photographs_stay_pictures():
    torch.manual_seed(0)
    photographs = torch.rand(4, 3, 32, 32)
    found = disturbed(photographs)
    assert found.min() >= 0
    assert found.max() <= 1
    assert 0.001 < float((found - photographs).abs().mean()) < 0.3
