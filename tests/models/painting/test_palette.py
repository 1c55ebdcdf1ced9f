"""Colours of the photograph, and masks."""

import numpy as np
import pytest
import torch

from artrt.engine.errors import InputError
from artrt.models.losses import chroma, luminance
from artrt.models.painting import palette


def picture(seed, low=0.3, high=0.7):
    generator = torch.Generator().manual_seed(seed)
    base = torch.rand(1, 3, 40, 50, generator=generator)
    mixed = torch.einsum("ij,njhw->nihw", torch.rand(3, 3, generator=generator) / 3, base)
    return low + (high - low) * mixed


def covariance(image):
    return torch.cov(image[0].flatten(1))


def test_the_style_takes_mean_and_covariance_of_the_photograph():
    style, content = picture(0), picture(1)
    recoloured = palette.with_colors_of(style, content)
    torch.testing.assert_close(recoloured.mean(dim=(2, 3)), content.mean(dim=(2, 3)), atol=2e-3, rtol=0)
    assert (covariance(style) - covariance(content)).norm() > 5 * (
        covariance(recoloured) - covariance(content)
    ).norm()


def test_grey_takes_the_luminance_s_mean_and_deviation():
    style, content = picture(0), picture(1)
    grey = palette.grey_like(style, content)
    assert torch.equal(grey[:, 0], grey[:, 2])
    torch.testing.assert_close(grey.mean(), luminance(content).mean(), atol=1e-3, rtol=0)
    torch.testing.assert_close(grey[:, 0].std(), luminance(content).std(), atol=1e-3, rtol=0)


def test_only_the_luminance_is_painted():
    content, painting = picture(0), picture(1)
    result = palette.with_luminance_of(content, painting)
    torch.testing.assert_close(luminance(result), luminance(painting), atol=1e-3, rtol=0)
    torch.testing.assert_close(chroma(result), chroma(content), atol=1e-3, rtol=0)


def test_each_grey_level_is_one_style_from_dark_to_light():
    mask = np.full((10, 12), 200, np.uint8)
    mask[:, :4], mask[:, 4:6] = 20, 90
    mask[0, 4], mask[0, 7] = 93, 201  # as a JPEG would have it
    first, second, third = palette.style_masks(np.dstack([mask] * 3), 3)
    assert (first[:, :4] == 255).all()
    assert (second[:, 4:6] == 255).all()
    assert (third[:, 6:] == 255).all()
    assert (first.astype(int) + second + third == 255).all()


def test_fewer_grey_levels_than_styles_are_refused():
    with pytest.raises(InputError, match="1 grey levels, but there are 2 styles"):
        palette.style_masks(np.zeros((8, 8), np.uint8), 2)


def test_masks_of_their_own_are_taken_as_they_are():
    first, second = np.zeros((8, 8), np.uint8), np.full((8, 8, 3), 60, np.uint8)
    first[:, :4] = 255
    masks = palette.own_masks([first, second], 2)
    assert np.array_equal(masks[0], first)
    assert (masks[1] == 60).all()


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ([np.ones((8, 8), np.uint8)], "1 style masks for 2 styles"),
        ([np.zeros((8, 8), np.uint8)] * 2, "mask 1 is black"),
    ],
)
def test_masks_that_say_nothing_are_refused(masks, message):
    with pytest.raises(InputError, match=message):
        palette.own_masks(masks, 2)
