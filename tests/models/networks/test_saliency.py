from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from artrt.engine.errors import InputError, UsageError
from artrt.models.networks.localization import SQUEEZENET_FILE, load_localization_network
from artrt.models.networks.saliency import (
    SaliencyConfig,
    SaliencyNetwork,
    load_saliency_network,
    predict,
    save_saliency,
    start_from_imagenet,
)
from support.weights import write_weights

SMALL = SaliencyConfig(last="fire6", width=16, landscape_px=(32, 48), square_px=(32, 32))


def test_levels_halve_and_heads_have_their_sizes() -> None:
    network = SaliencyNetwork(SMALL)
    levels = network.encoder(torch.zeros(2, 3, 32, 48))
    assert [tuple(level.shape[1:]) for level in levels] == [
        (64, 16, 24),
        (128, 8, 12),
        (256, 4, 6),
        (384, 2, 3),
    ]
    mask, cam = network(torch.rand(2, 3, 32, 48))
    assert mask.shape == (2, 1, 16, 24)
    assert cam.shape == (2, 1, 2, 3)


@pytest.mark.parametrize(
    ("size", "grid"),
    [((720, 1280), (32, 48)), ((1280, 720), (48, 32)), ((500, 500), (32, 32)), ((500, 600), (32, 32))],
)
def test_the_grid_follows_the_proportions(size: tuple[int, int], grid: tuple[int, int]) -> None:
    assert SMALL.grid(*size) == grid


def test_square_pictures_are_seen_at_about_the_area_of_wide_ones() -> None:
    config = SaliencyConfig.for_grid(96, 160, last="fire6", decoder=16)
    assert (config.landscape_px, config.square_px) == ((96, 160), (128, 128))
    assert (config.last, config.width) == ("fire6", 16)


def test_the_encoder_computes_what_squeezenet_computes(tmp_path: Path) -> None:
    path = write_weights(tmp_path) / SQUEEZENET_FILE
    network = SaliencyNetwork(SMALL)
    start_from_imagenet(network, path)
    original = load_localization_network(path)
    image = torch.rand(1, 3, 64, 64)
    first = network.encoder((image - network.mean) / network.deviation)[0]
    expected = original.features(image[:, :, 1:, 1:])["conv1"]  # padded windows begin one pixel earlier
    torch.testing.assert_close(first[:, :, 1:, 1:], expected)
    fire = network.encoder.get_submodule("fire5")
    feature = torch.rand(1, 256, 6, 6)
    torch.testing.assert_close(fire(feature), original.get_submodule("fire5")(feature))


def test_a_saved_network_predicts_the_same(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = SaliencyNetwork(SMALL).eval()
    save_saliency(tmp_path / "s.safetensors", network, training={"steps": 3})
    loaded, training = load_saliency_network(tmp_path / "s.safetensors")
    image = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
    mask = predict(network, image)
    assert training == {"steps": 3}
    assert loaded.config == SMALL
    assert mask.shape == (60, 90)
    assert 0 <= mask.min() <= mask.max() <= 1
    assert np.array_equal(predict(loaded, image), mask)
    assert predict(network, image, size=(30, 20)).shape == (30, 20)


def test_wrong_sizes_and_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fire9"):
        SaliencyConfig(last="fire3")
    with pytest.raises(UsageError, match="multiples of 16"):
        SaliencyConfig(landscape_px=(90, 160))
    with pytest.raises(InputError, match="no saliency network"):
        load_saliency_network(tmp_path / "none.safetensors")
    path = write_weights(tmp_path) / SQUEEZENET_FILE
    with pytest.raises(InputError, match="no saliency configuration"):
        load_saliency_network(path)
