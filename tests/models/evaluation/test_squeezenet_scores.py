"""The yardstick: what counts as painted, and what does not."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from artrt.models.evaluation.squeezenet_scores import (
    Recognised,
    colours,
    correlations,
    painted,
    painted_by_scale,
    palette_shift,
)
from artrt.models.networks.localization import LocalizationNetwork, load_localization_network
from support.painting import random_squeezenet


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> LocalizationNetwork:
    return load_localization_network(random_squeezenet(tmp_path_factory.mktemp("weights")))


def picture(seed: int, cell: int, *, height: int = 160, width: int = 192) -> torch.Tensor:
    """Random colours in cells of `cell` px."""
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand(1, 3, height // cell, width // cell, generator=generator)
    return F.interpolate(small, size=(height, width), mode="bicubic").clamp(0, 1)


def test_a_batch_is_judged_as_its_pictures_are(network: LocalizationNetwork) -> None:
    photographs = torch.cat([picture(seed, 16) for seed in (1, 2)])
    painting = picture(3, 8)
    style = correlations(network, painting)
    outputs = torch.cat([photographs[:1], painting])
    assert painted(network, outputs, photographs, style).tolist() == pytest.approx([0, 1], abs=1e-4)
    mixed = 0.5 * outputs + 0.5 * painting
    each = [
        painted_by_scale(correlations(network, one[None]), correlations(network, photo[None]), style)
        .mean()
        .item()
        for one, photo in zip(mixed, photographs, strict=True)
    ]
    assert painted(network, mixed, photographs, style).tolist() == pytest.approx(each, abs=1e-4)


def test_a_gate_leaves_no_gradient(network: LocalizationNetwork) -> None:
    output = picture(1, 16).requires_grad_(True)
    style = correlations(network, picture(3, 8))
    assert not painted(network, output, picture(2, 16), style).requires_grad


def test_a_tint_is_not_painted_but_has_the_palette(network: LocalizationNetwork) -> None:
    photograph = picture(1, 16)
    blue = torch.tensor([0.1, 0.2, 0.7])[:, None, None]
    painting = 0.3 * picture(3, 8) + 0.7 * blue
    tint = 0.3 * photograph + 0.7 * blue
    style = correlations(network, painting)
    seen, tinted, wanted = (colours(image) for image in (photograph, tint, painting))
    assert palette_shift(tinted, seen, wanted) > 0.8
    assert float(painted(network, tint, photograph, style)) < 0.5
    assert palette_shift(seen, seen, wanted) == pytest.approx(0, abs=1e-6)
    assert palette_shift(wanted, seen, wanted) == pytest.approx(1, abs=1e-4)


def test_fine_noise_changes_the_full_size_more_than_the_quarter(network: LocalizationNetwork) -> None:
    photograph = picture(1, 16)
    noise = 0.2 * torch.randn(photograph.shape, generator=torch.Generator().manual_seed(4))
    style = correlations(network, (picture(2, 16) + noise.flip(3)).clamp(0, 1))
    noisy = correlations(network, (photograph + noise).clamp(0, 1))
    full, _, quarter = painted_by_scale(noisy, correlations(network, photograph), style)[0].tolist()
    assert full > quarter + 0.1


def test_a_tiny_picture_can_be_judged(network: LocalizationNetwork) -> None:
    small = picture(1, 16, height=32, width=48)
    style = correlations(network, picture(3, 8))
    assert float(painted(network, small, small, style)) == pytest.approx(0, abs=1e-5)


def test_a_picture_recognises_itself(network: LocalizationNetwork) -> None:
    one, other = (Recognised(network, picture(seed, 16)) for seed in (1, 2))
    assert one.semantic(one) == pytest.approx(1, abs=1e-5)
    assert one.map_correlation(one) == pytest.approx(1, abs=1e-5)
    assert other.semantic(one) < 0.99999
    assert other.map_correlation(one) < 0.99
