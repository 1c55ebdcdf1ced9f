"""Loss networks: layers, sizes, weights from files."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from artrt.engine.errors import InputError, UsageError
from artrt.models.networks.loss_networks import STYLE_LAYERS, from_torchvision, load_loss_network
from support.weights import write_weights


@pytest.mark.parametrize("name", ["compact", "compact-encoder"])
def test_layers_halve_the_picture(name, tmp_path):
    network = load_loss_network(name, directory=write_weights(tmp_path))
    features = network(torch.rand(2, 3, 64, 48))
    assert list(features) == list(STYLE_LAYERS)
    sizes = [tuple(f.shape[2:]) for f in features.values()]
    assert sizes == [(64 >> i, 48 >> i) for i in range(5)]


def test_compact_takes_shallow_layers_from_the_full_width(tmp_path):
    network = load_loss_network("compact", directory=write_weights(tmp_path))
    channels = [f.shape[1] for f in network(torch.rand(1, 3, 32, 32)).values()]
    assert channels == [6, 6, 6, 4, 4]  # the test weights have 6 and 4 channels


def test_real_weights_have_vgg_widths_and_normalised_activations(shared_dir):
    network = load_loss_network("compact", directory=shared_dir / "weights")
    photo = torch.rand(1, 3, 96, 96)
    features = network(torch.nn.functional.avg_pool2d(photo, 7, 1, 3))
    assert [f.shape[1] for f in features.values()] == [64, 128, 256, 128, 128]
    assert all(0.02 < float(f.mean()) < 50 for f in features.values())


def test_the_shipped_network_has_all_layers_of_the_losses(tmp_path):
    network = load_loss_network("small", directory=tmp_path)
    assert network.name == "small"
    layers = ["relu1_1", "relu2_1", "relu3_1", "relu3_3", "relu4_1", "relu5_1"]
    photo = torch.nn.functional.avg_pool2d(torch.rand(1, 3, 96, 64), 7, 1, 3)
    features = network(photo, layers)
    assert list(features) == layers
    assert [tuple(f.shape[2:]) for f in features.values()] == [
        (96, 64), (48, 32), (24, 16), (24, 16), (12, 8), (6, 4),
    ]  # fmt: skip
    assert all(0.02 < float(f.mean()) < 50 for f in features.values())


def test_a_distilled_network_is_read_by_its_path(tmp_path):
    shipped = load_loss_network("small")
    path = tmp_path / "own.safetensors"
    save_file(
        {
            name.removeprefix("encoders.0.convolutions."): value.half()
            for name, value in shipped.state_dict().items()
        },
        path,
    )
    own = load_loss_network(str(path))
    assert own.name == "own"
    picture = torch.rand(1, 3, 32, 32)
    assert torch.equal(own(picture, ["relu4_1"])["relu4_1"], shipped(picture, ["relu4_1"])["relu4_1"])


def test_asking_for_one_layer_computes_no_deeper(tmp_path):
    network = load_loss_network("compact-encoder", directory=write_weights(tmp_path))
    assert list(network(torch.rand(1, 3, 2, 2), ["relu1_1"])) == ["relu1_1"]  # too small for relu5_1


def test_unknown_layer_and_name_list_what_there_is(tmp_path):
    network = load_loss_network("compact-encoder", directory=write_weights(tmp_path))
    with pytest.raises(UsageError, match=r"no layer 'relu9_9'; it has relu1_1, relu1_2"):
        network(torch.rand(1, 3, 32, 32), ["relu9_9"])
    with pytest.raises(UsageError, match="unknown loss network 'vgg99'"):
        load_loss_network("vgg99", directory=tmp_path)


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"not found: .*vgg19_compact_relu5_1\.safetensors"):
        load_loss_network("compact-encoder", directory=tmp_path)
    (tmp_path / "vgg19_compact_relu5_1.safetensors").write_text("text")
    with pytest.raises(InputError, match="cannot read the loss network weights"):
        load_loss_network("compact-encoder", directory=tmp_path)


def test_torchvision_input_normalisation_becomes_a_convolution():
    state = {"features.0.weight": torch.zeros(1, 3, 3, 3), "features.0.bias": torch.zeros(1)}
    weights = from_torchvision(state)
    grey = torch.tensor([0.485, 0.456, 0.406])[None, :, None, None]
    shifted = torch.nn.functional.conv2d(grey, weights["conv0.weight"], weights["conv0.bias"])
    torch.testing.assert_close(shifted, torch.zeros_like(shifted), atol=1e-6, rtol=0)
