"""The localization network: maps, logits, weights of either naming, and that it knows a dog."""

from __future__ import annotations

import cv2
import pytest
import torch
from safetensors.torch import save_file

from artrt.engine.errors import InputError
from artrt.models.networks.localization import LocalizationNetwork, load_localization_network

TORCHVISION = {"conv1": 0, "fire2": 3, "fire3": 4, "fire4": 6, "fire5": 7}
TORCHVISION |= {"fire6": 9, "fire7": 10, "fire8": 11, "fire9": 12}


def test_maps_are_13_by_13_and_their_mean_is_the_logit():
    network = LocalizationNetwork().eval()
    maps = network(network.prepare(torch.rand(1, 3, 300, 200)))
    assert maps.shape == (1, 1000, 13, 13)
    torch.testing.assert_close(network.logits(maps)[0, 7], maps[0, 7].clamp(min=0).mean())


def test_bfloat16_pictures_of_any_size_are_prepared():
    image = torch.rand(1, 3, 100, 80)
    prepared = LocalizationNetwork.prepare(image.bfloat16())
    assert prepared.shape == (1, 3, 224, 224)
    torch.testing.assert_close(prepared.float(), LocalizationNetwork.prepare(image), atol=0.01, rtol=0)


def test_heat_map_is_between_zero_and_one():
    maps = torch.randn(2, 1000, 13, 13)
    heat = LocalizationNetwork.cam(maps, torch.tensor([3, 5]))
    assert heat.shape == (2, 13, 13)
    assert heat.min() == 0
    assert heat.amax(dim=(1, 2)).tolist() == [1, 1]


def test_torchvision_names_are_understood(tmp_path):
    network = LocalizationNetwork().eval()
    renamed = {}
    for key, tensor in network.state_dict().items():
        module, rest = key.split(".", 1)
        renamed[
            f"classifier.1.{rest}" if module == "conv10" else f"features.{TORCHVISION[module]}.{rest}"
        ] = tensor
    torch.save(renamed, tmp_path / "squeezenet1_1.pth")
    loaded = load_localization_network(tmp_path / "squeezenet1_1.pth")
    image = torch.rand(1, 3, 64, 64)
    torch.testing.assert_close(loaded(image), network(image))


def test_other_weights_are_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    with pytest.raises(InputError, match="not found"):
        load_localization_network(path)
    save_file({"conv1.weight": torch.zeros(1)}, path)
    with pytest.raises(InputError, match=r"does not contain the weights of SqueezeNet 1\.1"):
        load_localization_network(path)


def test_real_weights_recognise_photographs_and_look_at_the_animal(shared_dir):
    network = load_localization_network(shared_dir / "weights" / "squeezenet1_1.safetensors")
    names = ["n01440764_tench", "n01443537_goldfish", "n02099601_golden_retriever", "n01518878_ostrich"]
    classes = [0, 1, 207, 9]
    pictures = [cv2.imread(str(shared_dir / "photos" / f"{name}.jpg"))[:, :, ::-1].copy() for name in names]
    batch = [torch.from_numpy(p).permute(2, 0, 1)[None].float() / 255 for p in pictures]
    maps = torch.cat([network(network.prepare(image)) for image in batch])
    top5 = network.logits(maps).topk(5).indices
    assert sum(c in row for c, row in zip(classes, top5.tolist(), strict=True)) >= 3
