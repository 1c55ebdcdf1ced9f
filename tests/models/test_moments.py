"""Moments of features: what they are, their gradient, and distances that no layer rules."""

from __future__ import annotations

import pytest
import torch

from artrt.models.moments import Moments, covariance_errors, moments, moments_distances


@pytest.fixture
def features() -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(2, 5, 12, 8) * torch.rand(5)[:, None, None] + torch.rand(5)[:, None, None]


def plain(features: torch.Tensor) -> Moments:
    flat = features.flatten(2)
    centred = flat - flat.mean(dim=2, keepdim=True)
    return Moments(flat.mean(dim=2), centred @ centred.transpose(1, 2) / flat.shape[2])


def score(found: Moments) -> torch.Tensor:
    weights = torch.arange(25.0).reshape(5, 5)
    return found.mean.square().sum() + (found.covariance * weights).square().sum()


def test_means_and_centred_covariances(features):
    for got, expected in zip(moments(features), plain(features), strict=True):
        torch.testing.assert_close(got, expected)
    shifted = moments(features + 3)
    torch.testing.assert_close(shifted.covariance, plain(features).covariance, atol=1e-5, rtol=1e-4)


def test_the_gradient_is_that_of_the_plain_formula(features):
    one, other = features.clone().requires_grad_(True), features.clone().requires_grad_(True)
    score(moments(one)).backward()
    score(plain(other)).backward()
    torch.testing.assert_close(one.grad, other.grad, atol=1e-5, rtol=1e-4)


def test_half_precision_stays_close(features):
    for got, expected in zip(moments(features.bfloat16()), plain(features), strict=True):
        assert (got - expected).norm() < 0.02 * expected.norm()


def test_any_number_of_positions(features):
    odd = features[:, :, :7, :1]
    torch.testing.assert_close(moments(odd).covariance, plain(odd).covariance)


def test_distances_are_nought_for_the_same_and_bounded_for_anything(features):
    own = {"a": moments(features)}
    torch.testing.assert_close(moments_distances(own, own), torch.zeros(2))
    far = {"a": moments(features * 1e4)}
    assert (moments_distances(far, own) <= 1).all()
    assert (moments_distances(far, own) > 0.9).all()


def test_a_shift_of_all_values_costs_only_the_mean(features):
    style = {"a": moments(features)}
    shifted = {"a": moments(features + 0.5)}
    errors = covariance_errors(shifted, style)["a"]
    assert (errors < 1e-3).all()
    assert (moments_distances(shifted, style) > 0.01).all()


def test_pictures_are_picked_by_index(features):
    picked = moments(features).of(torch.tensor([1, 1, 0]))
    assert picked.mean.shape == (3, 5)
    torch.testing.assert_close(picked.covariance[2], moments(features).covariance[0])
