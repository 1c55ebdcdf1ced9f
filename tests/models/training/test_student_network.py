"""The start of the small loss network: channels chosen and layers fitted."""

from __future__ import annotations

import pytest
import torch

from artrt.models.networks.loss_networks import Encoder
from artrt.models.training.student_network import WIDTHS, fitted_maps, fitted_student, strongest_channels
from support.weights import tiny_teacher


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    noise = torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.avg_pool2d(noise, 3, 1, 1)


@pytest.fixture(scope="module")
def student(pictures) -> Encoder:
    return Encoder(fitted_student(tiny_teacher(), pictures), padding="zeros")


def test_the_network_has_less_than_a_million_weights():
    """In half precision, 2 MB."""
    channels, count = 3, 0
    for width in WIDTHS.values():
        count, channels = count + width * (9 * channels + 1), width
    assert 800_000 < count < 1_000_000


def test_shallow_layers_equal_a_teacher_of_the_same_widths_up_to_their_scale(student, pictures):
    layers = ["relu1_1", "relu2_1", "relu3_1", "relu3_3"]
    found, known = student(pictures, layers), tiny_teacher()(pictures, layers)
    for layer in layers:
        torch.testing.assert_close(found[layer].mean(), torch.tensor(1.0), atol=0.02, rtol=0)
        scaled = known[layer] / known[layer].mean()
        assert float((found[layer] - scaled).abs().mean()) < 0.02, layer


def test_maps_give_the_features_of_the_teacher(student, pictures):
    layers = ["relu1_1", "relu3_1"]
    maps, found = fitted_maps(student, tiny_teacher(), pictures, layers), student(pictures, layers)
    for layer, known in tiny_teacher()(pictures, layers).items():
        error = (maps[layer](found[layer]).detach() - known).square().mean() / known.var()
        assert float(error) < 1e-3, layer


def test_channels_that_repeat_others_are_left_out():
    base = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    features = torch.cat([base, 0.9 * base[:, :2], 0.5 * base[:, 2:]], dim=1)
    assert sorted(index % 3 for index in strongest_channels(features, 3).tolist()) == [0, 1, 2]
    assert strongest_channels(features, 9).tolist() == [0, 1, 2, 3, 4, 5]
