"""Networks for painting: found by name, read from torchvision's formats, loaded only when needed."""

import pytest
import torch

from artrt.engine.errors import InputError, UsageError
from artrt.models.networks.saliency import SaliencyNetwork, save_saliency
from artrt.models.painting.networks import (
    checked_device,
    differentiable_mask,
    installed_name,
    installed_weights,
    load_networks,
    named_loss_network,
)
from artrt.models.painting.objective import LossWeights
from support.painting import random_squeezenet, torchvision_vgg


@pytest.fixture(autouse=True)
def no_torch_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def test_vgg19_in_torchvision_s_format(tmp_path):
    path = torchvision_vgg(tmp_path / "vgg19-dcbb9e9d.pth", "vgg19")
    network = named_loss_network("vgg19", directory=tmp_path)
    state = torch.load(path, weights_only=True)
    image = torch.rand(1, 3, 48, 40)
    features = network(image)
    assert {layer: tuple(value.shape[1:]) for layer, value in features.items()} == {
        "relu1_1": (64, 48, 40),
        "relu2_1": (128, 24, 20),
        "relu3_1": (256, 12, 10),
        "relu4_1": (512, 6, 5),
        "relu5_1": (512, 3, 2),
    }
    mean, deviation = (torch.tensor(v)[:, None, None] for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    normalised = (image - mean) / deviation
    first = torch.relu(torch.nn.functional.conv2d(normalised, state["features.0.weight"]))
    torch.testing.assert_close(features["relu1_1"][:, :, 1:-1, 1:-1], first, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("name", "absent"), [("vgg19", None), ("vgg16", "relu3_4")])
def test_the_layers_of_each_vgg(tmp_path, name, absent):
    path = torchvision_vgg(tmp_path / "any.pth", name, channels=3, classifier=False)
    network = named_loss_network(str(path))
    assert {"relu1_1", "relu3_3", "relu5_1"} <= set(network.layers)
    assert absent not in network.layers
    deep = network(torch.rand(1, 3, 64, 64), ["relu5_1"])["relu5_1"]
    assert deep.shape == (1, 3, 4, 4)


def test_other_state_dicts_are_refused(tmp_path):
    torch.save({"layer.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="not a state dict of torchvision's VGG"):
        named_loss_network(str(tmp_path / "other.pth"))


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"features.0.weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(InputError, match="cannot read the loss network weights"):
        named_loss_network(str(tmp_path / "evil.pth"))
    assert not (tmp_path / "ran").exists()


def test_unknown_names_are_refused():
    with pytest.raises(UsageError, match="unknown loss network 'resnet'"):
        named_loss_network("resnet")


def test_auto_takes_a_larger_network_that_is_here_before_the_one_that_ships(tmp_path):
    assert named_loss_network("auto", directory=tmp_path).name == "small"
    torchvision_vgg(tmp_path / "vgg19-dcbb9e9d.pth", "vgg19", channels=3)
    assert installed_name("auto", directory=tmp_path) == "vgg19"
    assert installed_name("small", directory=tmp_path) == "small"
    assert named_loss_network("auto", directory=tmp_path).name == "vgg19"


def test_the_region_term_needs_squeezenet(tmp_path):
    weights = LossWeights(style=1, region=0.5)
    assert installed_weights(weights, directory=tmp_path) == LossWeights(style=1)
    random_squeezenet(tmp_path)
    assert installed_weights(weights, directory=tmp_path) == weights


def test_only_what_the_weights_ask_for_is_loaded(tmp_path):
    path = torchvision_vgg(tmp_path / "vgg.pth", "vgg19", channels=3, classifier=False)
    plain = load_networks(LossWeights(style=1), loss_network=str(path))
    assert plain.localization is None
    assert plain.saliency is None
    salient = load_networks(LossWeights(content=1), loss_network=str(path))
    assert salient.saliency is not None
    with pytest.raises(InputError, match="squeezenet1_1"):
        load_networks(LossWeights(region=1), loss_network=str(path))
    random_squeezenet(tmp_path)
    save_saliency(tmp_path / "saliency.safetensors", SaliencyNetwork())
    full = load_networks(LossWeights(region=1, shape=1), loss_network=str(path), directory=tmp_path)
    assert full.localization is not None
    assert full.saliency is not None
    image = torch.rand(1, 3, 60, 90, requires_grad=True)
    mask = full.saliency(image)
    mask.sum().backward()
    assert mask.ndim == 3
    assert image.grad.abs().sum() > 0


def test_the_mask_with_gradients_is_the_mask_without():
    network = SaliencyNetwork().eval()
    height, width = network.config.grid(100, 100)
    image = torch.rand(1, 3, height, width)
    mask = differentiable_mask(network, image)
    torch.testing.assert_close(
        torch.nn.functional.interpolate(mask[:, None], scale_factor=2, mode="bilinear", align_corners=False)[
            :, 0
        ],
        network.mask(image),
    )


def test_an_impossible_device_is_told():
    with pytest.raises(UsageError, match="cannot use the device 'abacus'"):
        checked_device("abacus")


def test_compact_is_found_by_its_folder(shared_dir):
    network = named_loss_network("compact", directory=shared_dir / "weights")
    assert network.name == "compact"
    assert named_loss_network("auto", directory=shared_dir / "weights").name == "wide"
