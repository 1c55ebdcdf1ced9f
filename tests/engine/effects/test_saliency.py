from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import artrt
from artrt.engine.effects.saliency import Saliency, full_size, heat_map, mask_picture, saliency
from artrt.engine.errors import ContractError, UnsupportedImageError, UsageError
from artrt.engine.zoo.zoo import SHIPPED, Zoo
from support.models import INVERT, INVERT_SPEC, write_model

Picture = Callable[..., np.ndarray]


def test_the_mask_has_the_pictures_size(use_tiny_zoo: Path, picture: Picture) -> None:
    image = picture(40, 60)
    with Saliency(provider="cpu") as network:
        mask = network(image)
    assert mask.shape == (40, 60)
    assert mask.dtype == np.float32
    assert np.allclose(mask, image.mean(axis=2) / 255, atol=1e-5)  # the tiny stage: salient is what is bright
    assert np.array_equal(artrt.saliency(image, provider="cpu"), mask)


def test_another_stage_is_refused(tmp_path: Path, picture: Picture) -> None:
    path = write_model(tmp_path / "invert.onnx", INVERT, INVERT_SPEC)
    with pytest.raises(ContractError, match="not a saliency stage"):
        Saliency(path, provider="cpu")
    with pytest.raises(UnsupportedImageError, match="uint8"):
        saliency(picture(8, 8)[..., 0])


def test_attention_that_a_stage_does_not_know_is_not_ignored(use_tiny_zoo: Path) -> None:
    with pytest.raises(ContractError, match="no control 'attention'"):
        Saliency(provider="cpu", attention=0.5)
    with pytest.raises(UsageError, match="attention is 1.5; expected 0 to 1"):
        Saliency(provider="cpu", attention=1.5)


def test_attention_widens_the_shipped_network_s_mask(picture: Picture) -> None:
    image = picture(60, 90)
    masks = []
    for attention in (0.0, 1.0):
        with Saliency(zoo=Zoo(SHIPPED), provider="cpu", attention=attention) as network:
            masks.append(network(image))
    assert (masks[1] >= masks[0]).all()
    assert masks[1].mean() > masks[0].mean() + 0.05


def test_pictures_of_a_mask(picture: Picture) -> None:
    image = picture(20, 30)
    mask = np.zeros((2, 3), np.float32)
    mask[0, 0] = 1
    grey = mask_picture(full_size(mask, image))
    assert grey.shape == image.shape
    assert grey[0, 0].tolist() == [255, 255, 255]
    assert grey[-1, -1].tolist() == [0, 0, 0]
    hot = heat_map(np.zeros_like(image), mask)
    assert hot[0, 0, 2] > 60  # red where salient
    assert hot[0, 0, 0] == 0
    assert hot[-1, -1, 0] > 60  # blue elsewhere
    assert np.array_equal(heat_map(image, mask, opacity=0.0), image)
