"""The style encoder: sees statistics, not places; starts from known vectors; learns beside the styles of a trunk."""

from __future__ import annotations

import torch

from artrt.models.networks.style_encoder import StyleEncoder
from support.weights import write_weights


def test_a_vector_for_each_picture_of_any_size():
    encoder = StyleEncoder(10)
    for height, width in ((32, 32), (65, 97)):
        assert encoder(torch.rand(2, 3, height, width)).shape == (2, 10)


def test_where_things_stand_does_not_matter():
    torch.manual_seed(0)
    encoder, painting = StyleEncoder(10), torch.rand(1, 3, 64, 64)
    beside = torch.cat([painting, painting], dim=3)
    one, two = encoder.statistics(painting), encoder.statistics(beside)
    assert (one - two).norm() < 0.05 * one.norm()


def test_it_starts_near_the_mean_of_known_vectors(tmp_path):
    write_weights(tmp_path)
    torch.manual_seed(0)
    vectors, paintings = torch.randn(3, 10), torch.rand(6, 3, 64, 64)
    encoder = StyleEncoder(10)
    encoder.start(tmp_path / "squeezenet1_1.safetensors", vectors, paintings)
    known = (encoder.statistics(paintings) - encoder.center) / encoder.spread
    assert known.mean().abs() < 1e-3
    assert (encoder(paintings).mean(dim=0) - vectors.mean(dim=0)).abs().max() < 0.5
