"""The gate: lowers the region loss when the paint goes, and only then."""

from __future__ import annotations

import pytest
import torch

from artrt.models.networks.localization import load_localization_network
from artrt.models.training.gate import LOWERED, Gate
from support.weights import write_weights

WEIGHTS = {"style": 1.0, "cam": 0.5, "category": 0.1, "edge": 0.2}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = write_weights(tmp_path_factory.mktemp("weights"))
    return load_localization_network((folder or tmp_path_factory) / "squeezenet1_1.safetensors")


@pytest.fixture
def pictures():
    generator = torch.Generator().manual_seed(0)
    style, photographs = (torch.rand(count, 3, 64, 64, generator=generator) for count in (1, 2))
    return torch.nn.functional.avg_pool2d(style, 5, stride=1, padding=2), photographs


def test_the_paint_goes_and_the_region_loss_with_it(network, pictures):
    style, photographs = pictures
    gate = Gate(network, [style], drop=0.03)
    vectors = torch.zeros(1, 4)
    before = gate.check(lambda photos, _: photos.lerp(style, 0.95), photographs, vectors)
    assert gate.applied(WEIGHTS) == WEIGHTS
    after = gate.check(lambda photos, _: photos, photographs, vectors)
    assert before > 0.1 > after
    assert gate.applied(WEIGHTS) == WEIGHTS | {"cam": 0.5 * LOWERED, "category": 0.1 * LOWERED}


def test_nothing_is_lowered_while_the_paint_stays(network, pictures):
    style, photographs = pictures
    gate = Gate(network, [style], drop=0.03)
    for share in (0.5, 0.9):
        gate.check(lambda photos, _, share=share: photos.lerp(style, share), photographs, torch.zeros(1, 4))
    assert gate.factor == 1


def test_it_goes_on_from_a_checkpoint(network, pictures):
    gate, other = (Gate(network, [pictures[0]], drop=0.03) for _ in range(2))
    gate.check(lambda photos, _: photos, pictures[1], torch.zeros(1, 4))
    gate.factor = 0.49
    other.resume(gate.state())
    assert (other.factor, other.reference) == (gate.factor, gate.reference)
