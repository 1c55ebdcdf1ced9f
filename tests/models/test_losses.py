"""Losses: zero where they should be, scale-free, differentiable."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from artrt.models import losses


@pytest.fixture
def photo() -> torch.Tensor:
    torch.manual_seed(0)
    coarse = torch.rand(2, 3, 6, 6)
    return torch.nn.functional.interpolate(coarse, (48, 48), mode="bicubic").clamp(0, 1)


def maps(seed: int) -> torch.Tensor:
    return torch.randn(2, 5, 7, 7, generator=torch.Generator().manual_seed(seed))


def test_content_loss_is_relative_to_the_photographs_energy():
    features = torch.rand(2, 4, 5, 5)
    assert losses.content_loss(features, features) == 0
    assert losses.content_loss(torch.zeros_like(features), features) == pytest.approx(1.0)
    assert losses.content_loss(30 * features, 10 * features) == pytest.approx(4.0, rel=1e-4)


def test_gram_is_the_mean_outer_product():
    features = torch.rand(1, 3, 4, 5)
    expected = sum(torch.outer(p, p) for p in features[0].flatten(1).T) / 20
    torch.testing.assert_close(losses.gram(features)[0], expected)


def test_style_loss_is_scale_free_and_averages_layers():
    style = {"a": losses.gram(torch.rand(1, 3, 4, 4)), "b": 7 * losses.gram(torch.rand(1, 6, 4, 4))}
    assert losses.style_loss(style, style) == 0
    nothing = {layer: torch.zeros_like(g) for layer, g in style.items()}
    assert losses.style_loss(nothing, style) == pytest.approx(1.0)
    half_right = {"a": style["a"], "b": nothing["b"]}
    assert losses.style_loss(half_right, style) == pytest.approx(0.5)


def test_cam_loss_compares_the_photographs_class_whatever_the_scale():
    classes = torch.tensor([1, 4])
    content = maps(0)
    assert losses.cam_loss(3 * content + 2, content, classes) == pytest.approx(0.0, abs=1e-5)
    assert losses.cam_loss(-content, content, classes) == pytest.approx(2.0, abs=1e-5)
    other = content.clone()
    other[0, 2] += 100  # another class's map: must not matter, even where it is now the likeliest
    assert losses.cam_loss(other, content, classes) == pytest.approx(0.0, abs=1e-5)


def test_category_loss_wants_the_photographs_class():
    logits = torch.tensor([[9.0, 0.0], [0.0, 9.0]])
    assert losses.category_loss(logits, torch.tensor([0, 1])) < 1e-3
    assert losses.category_loss(logits, torch.tensor([1, 0])) > 8


def test_edge_loss_counts_lost_edges(photo):
    assert losses.edge_loss(photo, photo) == 0
    flat = torch.full_like(photo, 0.5)
    assert losses.edge_loss(flat, photo) > losses.edge_loss(losses.blur(photo, 1.0), photo) > 0


def test_shape_loss_is_one_minus_the_overlap():
    mask = torch.zeros(1, 8, 8)
    mask[:, :4] = 1
    assert losses.shape_loss(mask, mask) == pytest.approx(0.0, abs=1e-6)
    assert losses.shape_loss(1 - mask, mask) == pytest.approx(1.0, abs=1e-6)


def test_color_loss_ignores_strokes_and_sees_tints(photo):
    strokes = (photo + 0.2 * torch.randn(photo.shape[0], 1, 48, 48)).clamp(0, 1)
    tint = photo * torch.tensor([1.0, 0.6, 0.6])[:, None, None]
    assert losses.color_loss(tint, photo) > 10 * losses.color_loss(strokes, photo)


def test_range_loss_only_outside():
    inside = torch.rand(1, 3, 4, 4)
    assert losses.range_loss(inside) == 0
    assert losses.range_loss(inside + 1) > 0


def test_total_variation_of_a_ramp():
    ramp = torch.arange(5.0).expand(1, 1, 4, 5)
    assert losses.total_variation(ramp) == pytest.approx(1.0)


def test_mesh_loss_sees_a_pattern_of_four_pixels_and_no_strokes():
    random = np.random.default_rng(0).random((1, 3, 120, 180), np.float32)
    strokes = torch.from_numpy(random) * 0.5
    columns = 0.02 * torch.sin(torch.arange(180) * torch.pi / 2).expand(1, 3, 120, 180)
    mesh, other = columns + strokes, 0.02 * torch.sin(torch.arange(180) * torch.pi / 2.7) + strokes
    expected = (1.2 * 0.02) ** 2 / 2  # taking out the mean of 5 pixels strengthens 4 pixels by a fifth
    assert losses.mesh_loss(columns) == pytest.approx(expected, rel=0.1)
    assert losses.mesh_loss(mesh) - losses.mesh_loss(strokes) == pytest.approx(expected, rel=0.3)
    assert abs(losses.mesh_loss(other) - losses.mesh_loss(strokes)) < 0.00003
    assert losses.mesh_loss(torch.full((2, 3, 40, 200), 0.4)) == pytest.approx(0, abs=1e-12)
    assert losses.mesh_loss(torch.rand(1, 3, 3, 9)) == 0


def test_temporal_loss_skips_what_left_the_picture():
    a, b = torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)
    b[..., 0] = 5
    valid = torch.ones(1, 1, 4, 4)
    assert losses.temporal_loss(a, b, valid) == pytest.approx(25 / 4)
    valid[..., 0] = 0
    assert losses.temporal_loss(a, b, valid) == 0


def test_contrast_is_the_variance_of_the_valid_pixels_around_the_mean_of_each_channel():
    picture, valid = torch.rand(2, 3, 8, 8, dtype=torch.float64), torch.ones(2, 1, 8, 8, dtype=torch.float64)
    assert losses.contrast(picture, valid) == pytest.approx(picture.var(dim=(2, 3), correction=0).mean())
    assert losses.contrast(0.5 * picture + 0.2, valid) == pytest.approx(losses.contrast(picture, valid) / 4)
    valid[..., 4:] = 0
    assert losses.contrast(picture, valid) == pytest.approx(
        picture[..., :4].var(dim=(2, 3), correction=0).mean()
    )
    assert losses.contrast(picture, 0 * valid) == 0


def test_patch_loss_sees_patches_of_color_and_no_flickering_strokes():
    plain, valid = torch.zeros(1, 3, 64, 64), torch.ones(1, 1, 64, 64)
    patch, strokes = plain.clone(), plain.clone()
    patch[..., :32, :] = 0.5
    strokes[..., ::2] = 0.5
    strokes[..., 1::2] = -0.5
    assert losses.patch_loss(plain, patch, valid) == pytest.approx(0.125, rel=1e-4)
    assert losses.patch_loss(plain, strokes, valid) == 0
    assert losses.temporal_loss(plain, strokes, valid) == pytest.approx(0.25, rel=1e-4)
    valid[..., :32, :] = 0
    assert losses.patch_loss(plain, patch, valid) == 0


def test_blur_keeps_a_constant_and_the_mean():
    constant = torch.full((1, 2, 20, 30), 0.3)
    torch.testing.assert_close(losses.blur(constant, 4.0), constant)


@pytest.mark.parametrize("loss", [losses.edge_loss, losses.color_loss])
@pytest.mark.parametrize("contrast", [0.0, 0.1])
def test_gradients_are_finite_for_flat_pictures(loss, contrast, photo):
    flat = (0.5 + contrast * (photo - 0.5)).requires_grad_()
    loss(flat, photo).backward()
    assert torch.isfinite(flat.grad).all()
    assert contrast == 0 or flat.grad.abs().sum() > 0


def test_blur_is_exact_under_autocast():
    image = torch.rand(2, 2, 64, 64).contiguous(memory_format=torch.channels_last).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        blurred = losses.blur(image, 8.0)
    blurred.sum().backward()
    assert blurred.dtype == torch.float32
    torch.testing.assert_close(blurred, losses.blur(image, 8.0))
