"""What layers keep."""

import numpy as np
import pytest
import torch

from artrt.engine.errors import UsageError
from artrt.models.moments import moments, moments_distances
from artrt.models.painting.objective import Networks
from artrt.models.painting.reconstruction import ReconstructionOptions, grid, reconstruct, row
from artrt.models.tensors import resized, tensor_from_image
from support.painting import tiny_loss_network

OPTIONS = ReconstructionOptions(layers=("relu1_1",), size_px=64, steps=60, tv=0)


@pytest.fixture
def networks():
    torch.set_num_threads(1)  # sums in another order end elsewhere
    return Networks(tiny_loss_network(channels=8))


@pytest.fixture
def photo(picture):
    return picture(64, 64, seed=1)


def test_a_shallow_layer_keeps_the_picture(photo, networks):
    last = list(reconstruct("content", photo, OPTIONS, networks=networks))[-1]
    assert last.terms["content"] < 1e-3
    assert np.corrcoef(last.image.ravel(), photo.ravel())[0, 1] > 0.95


def test_style_keeps_the_statistics_but_not_the_picture(photo, networks):
    options = ReconstructionOptions(
        layers=("relu1_1", "relu2_1", "relu3_1"), size_px=64, steps=80, tv=0, scales=(1,)
    )
    last = list(reconstruct("style", photo, options, networks=networks))[-1]
    statistics = [
        {layer: moments(value) for layer, value in networks.loss(picture, options.layers).items()}
        for picture in (last.state.pixels.clamp(0, 1), resized(tensor_from_image(photo), last.size))
    ]
    assert float(moments_distances(*statistics)) < 0.01
    assert last.terms["style"] == pytest.approx(float(moments_distances(*statistics)), rel=1e-2)
    assert np.corrcoef(last.image.ravel(), photo.ravel())[0, 1] < 0.8


@pytest.mark.parametrize("kind", ["content", "style"])
def test_the_grid_has_every_layer(photo, networks, kind):
    options = ReconstructionOptions(layers=("relu1_1", "relu2_1"), size_px=64, steps=3)
    steps = list(grid(kind, photo, options, networks=networks))
    assert [name for name, _ in steps] == ["relu1_1"] * 3 + ["relu2_1"] * 3
    image = row([step.image for _, step in steps[2::3]])
    assert image.shape == (64, 64 + 8 + 64, 3)


def test_an_unknown_layer_lists_the_known(photo, networks):
    with pytest.raises(UsageError, match=r"tiny has no layer 'relu4_9'; it has relu1_1, .*relu5_1"):
        reconstruct("content", photo, ReconstructionOptions(layers=("relu4_9",)), networks=networks)
    with pytest.raises(UsageError, match="no layer was given"):
        next(grid("style", photo, ReconstructionOptions(layers=()), networks=networks))


def test_an_unknown_kind_is_refused(photo, networks):
    with pytest.raises(UsageError, match="unknown reconstruction 'contents'; did you mean 'content'"):
        reconstruct("contents", photo, networks=networks)


def test_it_starts_from_noise_of_its_seed(photo, networks):
    first, other = (
        next(
            iter(
                reconstruct("content", photo, ReconstructionOptions(size_px=64, seed=seed), networks=networks)
            )
        )
        for seed in (0, 1)
    )
    assert not torch.equal(first.state.pixels, other.state.pixels)
