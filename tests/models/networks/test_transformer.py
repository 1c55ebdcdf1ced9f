"""The style transformer: sizes, the style vector's meaning, files."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from artrt.engine.errors import InputError, IntegrityError
from artrt.models.networks.simplification import simplified
from artrt.models.networks.transformer import (
    MULTIPLE,
    RIM_PX,
    StyleTransformer,
    TransformerConfig,
    load_trunk,
    save_trunk,
)

TINY = TransformerConfig("small", width=8, dilations=(1, 2), decoder_width=4)
SIMPLIFYING = replace(TINY, square_px=4)


@pytest.fixture
def transformer() -> StyleTransformer:
    torch.manual_seed(0)
    return StyleTransformer(TINY).eval()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 4), (17, 30), (64, 3), (33, 65)])
def test_any_size_comes_back_in_its_size(transformer, height, width):
    painted = transformer(torch.rand(1, 3, height, width), transformer.neutral_style()[None])
    assert painted.shape == (1, 3, height, width)
    assert torch.isfinite(painted).all()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 40), (17, 30), (64, 3), (33, 65)])
def test_whole_pictures_of_any_size_come_back_in_their_size(transformer, height, width):
    painted = transformer.paint(torch.rand(1, 3, height, width), transformer.neutral_style()[None])
    assert painted.shape == (1, 3, height, width)
    assert torch.isfinite(painted).all()


@pytest.mark.parametrize("rim_px", [RIM_PX, 24])
def test_a_whole_picture_is_painted_with_its_mirror_image_around_it(transformer, rim_px):
    photo, style = torch.rand(1, 3, 42, 50), transformer.neutral_style()[None]
    rest = [(rim_px, rim_px + -(side + 2 * rim_px) % MULTIPLE) for side in photo.shape[2:]]
    around = torch.from_numpy(np.pad(photo.numpy(), [(0, 0), (0, 0), *rest], mode="symmetric"))
    expected = transformer(around, style)[:, :, rim_px : rim_px + 42, rim_px : rim_px + 50]
    torch.testing.assert_close(transformer.paint(photo, style, rim_px=rim_px), expected)
    if rim_px == RIM_PX:
        torch.testing.assert_close(transformer.paint(photo, style), expected)


def test_it_paints_in_half_precision_too(transformer):
    photo, style = torch.rand(1, 3, 32, 32), transformer.neutral_style()[None]
    expected = transformer(photo, style)
    torch.testing.assert_close(
        transformer.half()(photo.half(), style.half()).float(), expected, atol=0.02, rtol=0
    )


def test_style_vector_has_scale_and_shift_of_every_normalised_channel(transformer):
    # stem and block at 1/4, down and two blocks of two layers at 1/8, rise and block at 1/4, decoder
    channels = (8 + 2 * 8) + (16 + 2 * 2 * 16) + (8 + 2 * 8) + 4
    assert transformer.style_size == 2 * channels == len(transformer.neutral_style())


def test_styles_of_a_batch_are_applied_picture_by_picture(transformer):
    photos = torch.rand(2, 3, 32, 32)
    styles = transformer.neutral_style() + 0.3 * torch.randn(2, transformer.style_size)
    both = transformer(photos, styles)
    alone = torch.cat([transformer(photos[i : i + 1], styles[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(both, alone, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(both[0], transformer(photos[:1], styles[1:])[0], atol=1e-3)


def test_moving_the_picture_by_eight_pixels_moves_the_painting(transformer):
    torch.manual_seed(1)
    wide = torch.rand(1, 3, 64, 264)
    style = transformer.neutral_style()[None]
    left, right = transformer(wide[..., :256], style), transformer(wide[..., 8:], style)
    # statistics of the two crops differ a little, the pattern does not
    inner = (left[..., 116:140] - right[..., 108:132]).abs().mean()
    assert inner < 0.2 * left[..., 116:140].std()


def test_file_keeps_weights_config_and_hash(transformer, tmp_path):
    path = tmp_path / "trunk.safetensors"
    save_trunk(path, transformer, training={"steps": 3})
    loaded = load_trunk(path)
    assert loaded.config == TINY
    assert loaded.trunk_hash() == transformer.trunk_hash()


def test_hash_changes_with_one_weight(transformer):
    before = transformer.trunk_hash()
    with torch.no_grad():
        transformer.head.bias[0] += 1e-3
    assert transformer.trunk_hash() != before


def test_changed_weights_are_refused(transformer, tmp_path):
    path = tmp_path / "trunk.safetensors"
    save_trunk(path, transformer)
    with safe_open(path, framework="pt") as file:
        metadata, tensors = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    tensors["head.bias"] += 1
    save_file(tensors, path, metadata=metadata)
    with pytest.raises(IntegrityError, match="do not match their hash"):
        load_trunk(path)


def test_files_that_are_no_trunk_are_named(tmp_path):
    text = tmp_path / "trunk.safetensors"
    text.write_text("no tensors here")
    with pytest.raises(InputError, match=r"cannot read the trunk .*trunk\.safetensors"):
        load_trunk(text)
    save_file({"style": torch.zeros(3)}, text)
    with pytest.raises(InputError, match="is not a trunk"):
        load_trunk(text)


def test_a_photograph_is_simplified_before_it_is_painted(transformer):
    simplifying = StyleTransformer(SIMPLIFYING).eval()
    simplifying.load_state_dict(transformer.state_dict())
    photo, style = torch.rand(1, 3, 32, 40), transformer.neutral_style()[None]
    for paint in ("forward", "paint"):
        expected = getattr(transformer, paint)(simplified(photo, SIMPLIFYING.square_px), style)
        torch.testing.assert_close(getattr(simplifying, paint)(photo, style), expected)


def test_a_file_from_before_photographs_were_simplified_still_paints_them_whole(transformer, tmp_path):
    save_trunk(tmp_path / "trunk.safetensors", transformer)
    with safe_open(tmp_path / "trunk.safetensors", framework="pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    config = {name: value for name, value in asdict(TINY).items() if name != "square_px"}
    save_file(tensors, tmp_path / "old.safetensors", metadata | {"config": json.dumps(config)})
    assert load_trunk(tmp_path / "old.safetensors").config.square_px == 1


def test_simplifying_is_part_of_the_trunk(transformer):
    simplifying = StyleTransformer(SIMPLIFYING)
    simplifying.load_state_dict(transformer.state_dict())
    assert simplifying.trunk_hash() != transformer.trunk_hash()
