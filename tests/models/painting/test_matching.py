"""Nearest places."""

import pytest
import torch

from artrt.models.painting import matching


def features(count, *, channels=6, seed=0):
    return torch.randn(channels, count, generator=torch.Generator().manual_seed(seed))


def test_each_place_is_as_far_as_the_most_similar_one_of_the_style(monkeypatch):
    monkeypatch.setattr(matching, "CHUNK", 7)
    painting, style = features(30, seed=1), features(50, seed=2)
    centred = [one - style.mean(dim=1, keepdim=True) for one in (painting, style)]
    cosines = torch.cosine_similarity(centred[0][:, :, None], centred[1][:, None, :], dim=0)
    found = matching.distances(painting, matching.places([style[:, :20], style[:, 20:]]))
    torch.testing.assert_close(found, 1 - cosines.amax(dim=1))


def test_the_style_itself_is_no_way_off_whatever_its_order_and_contrast():
    style = features(40)
    around = style.mean(dim=1, keepdim=True)
    shuffled = around + 3 * (style.flip(1) - around)
    assert matching.distances(shuffled, matching.places([style])).max() < 1e-5


def test_going_down_leads_to_places_of_the_style():
    style, painting = matching.places([features(40, seed=1)]), features(25, seed=2).requires_grad_(True)
    before = matching.distances(painting, style).mean()
    (slope,) = torch.autograd.grad(before, painting)
    assert matching.distances(painting - 5 * slope, style).mean() < 0.95 * before


def test_only_so_many_places_are_kept(monkeypatch):
    monkeypatch.setattr(matching, "MOST_PLACES", 10)
    kept = matching.places([features(40)]).directions
    assert kept.shape == (6, 10)
    assert kept.norm(dim=0) == pytest.approx(torch.ones(10), abs=1e-5)
