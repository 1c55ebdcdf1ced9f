from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from artrt.engine.stage_spec import StageSpec
from artrt.export.fuse import spec_of
from artrt.export.onnx_from_transformer import onnx_from_transformer, phase_weights
from artrt.export.transformer_parity import cpu_stage, torch_painter

SIZES = [(48, 64), (47, 65), (1, 1), (3, 130), (50, 49)]


@pytest.fixture(scope="module")
def stage(transformer, tmp_path_factory):
    with cpu_stage(onnx_from_transformer(transformer), tmp_path_factory.mktemp("stage"), threads=1) as stage:
        yield stage


def assert_close(got, expected, *, within=1):
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype == np.uint8
    assert np.abs(got.astype(int) - expected.astype(int)).max() <= within


@pytest.mark.parametrize("size", SIZES)
def test_any_size_paints_like_pytorch(stage, transformer, style, picture, size):
    photo = picture(*size)
    assert_close(stage(photo, style=style), torch_painter(transformer, style)(photo))


def test_real_photographs_paint_like_pytorch(stage, transformer, style, root):
    photo = cv2.imread(str(root / "docs" / "images" / "astronaut.jpg"))[:201, :303]
    assert_close(stage(photo, style=style), torch_painter(transformer, style)(photo))


def test_strength_and_mask_blend_with_the_frame(stage, transformer, style, picture):
    photo = picture(40, 52)
    mask = np.random.default_rng(0).random((5, 7)).astype(np.float32)
    painted = torch_painter(transformer, style)(photo).astype(np.float32)
    kept = cv2.resize(mask, (52, 40), interpolation=cv2.INTER_LINEAR)[:, :, None]
    expected = photo + 0.8 * (1 - 0.6 * kept) * (painted - photo)
    got = stage(photo, style=style, strength=0.8, mask=mask, keep_salient=0.6)
    assert_close(got, expected.round().clip(0, 255).astype(np.uint8))


def test_strength_zero_is_the_photograph(stage, style, picture):
    photo = picture(33, 34)
    assert np.array_equal(stage(photo, style=style, strength=0.0), photo)


def test_a_kept_salient_frame_is_the_photograph_where_the_mask_is_one(stage, style, picture):
    photo = picture(33, 34)
    ones = np.ones((1, 1), np.float32)
    assert np.array_equal(stage(photo, style=style, mask=ones, keep_salient=1.0), photo)


@pytest.mark.parametrize("options", [{"branch": False}, {"opset": 18}, {"opset": 21}])
def test_other_forms_give_the_same_picture(stage, transformer, style, picture, tmp_path, options):
    photo = picture(37, 41)
    with cpu_stage(onnx_from_transformer(transformer, **options), tmp_path, threads=1) as other:
        for strength in (1.0, 0.5):
            assert_close(
                other(photo, style=style, strength=strength),
                stage(photo, style=style, strength=strength),
                within=0,
            )


def test_metadata_names_trunk_licence_and_what_was_added(transformer):
    spec = spec_of(onnx_from_transformer(transformer, extra={"training": "none"}))
    assert isinstance(spec, StageSpec)
    assert list(spec.controls) == ["keep_salient", "mask", "preserve_colors", "strength", "stroke", "style"]
    assert spec.extra["trunk"] == transformer.trunk_hash()
    assert spec.extra["licence"] == "Apache-2.0"
    assert spec.extra["training"] == "none"


@pytest.mark.parametrize("padding", ["zeros", "replicate"])
def test_phases_equal_nearest_upsampling_and_convolution_at_the_border_too(padding):
    torch.manual_seed(0)
    x, weight = torch.randn(1, 3, 5, 6), torch.randn(4, 3, 3, 3)
    large = F.interpolate(x, scale_factor=2.0, mode="nearest")
    mode = "constant" if padding == "zeros" else "replicate"
    expected = F.conv2d(F.pad(large, (1, 1, 1, 1), mode=mode), weight)
    phases = torch.from_numpy(phase_weights(weight.numpy())).reshape(16, 3, 2, 2)
    windows = F.conv2d(F.pad(x, (1, 1, 1, 1), mode=mode), phases).reshape(2, 2, 4, 6, 7)
    got = windows.permute(2, 3, 0, 4, 1).reshape(1, 4, 12, 14)[:, :, 1:-1, 1:-1]
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)
