"""Colours of the photograph."""

import torch

from artrt.models.losses import chroma, luminance
from artrt.models.painting import photo_colors


def picture(seed, low=0.3, high=0.7):
    generator = torch.Generator().manual_seed(seed)
    base = torch.rand(1, 3, 40, 50, generator=generator)
    mixed = torch.einsum("ij,njhw->nihw", torch.rand(3, 3, generator=generator) / 3, base)
    return low + (high - low) * mixed


def covariance(image):
    return torch.cov(image[0].flatten(1))


def test_the_style_takes_mean_and_covariance_of_the_photograph():
    style, content = picture(0), picture(1)
    recoloured = photo_colors.with_colors_of(style, content)
    torch.testing.assert_close(recoloured.mean(dim=(2, 3)), content.mean(dim=(2, 3)), atol=2e-3, rtol=0)
    assert (covariance(style) - covariance(content)).norm() > 5 * (
        covariance(recoloured) - covariance(content)
    ).norm()


def test_grey_takes_the_luminance_s_mean_and_deviation():
    style, content = picture(0), picture(1)
    grey = photo_colors.grey_like(style, content)
    assert torch.equal(grey[:, 0], grey[:, 2])
    torch.testing.assert_close(grey.mean(), luminance(content).mean(), atol=1e-3, rtol=0)
    torch.testing.assert_close(grey[:, 0].std(), luminance(content).std(), atol=1e-3, rtol=0)


def test_only_the_luminance_is_painted():
    content, painting = picture(0), picture(1)
    result = photo_colors.with_luminance_of(content, painting)
    torch.testing.assert_close(luminance(result), luminance(painting), atol=1e-3, rtol=0)
    torch.testing.assert_close(chroma(result), chroma(content), atol=1e-3, rtol=0)
