"""Simplifying photographs: flat patches, crisp borders, no texture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from artrt.models.networks.simplification import CALM, OWN, simplified

SQUARE_PX = 4
LUMA = (0.299, 0.587, 0.114)


def by_hand(image: np.ndarray, square_px: int) -> np.ndarray:
    """The definition, pixel by pixel: RGB [H, W, 3] in [0, 1]."""
    height, width = image.shape[:2]
    apart = square_px - 1
    luma = np.pad(image @ np.array(LUMA), ((0, 1), (0, 1)), mode="edge")
    down, across = np.diff(luma, axis=0)[:, :-1] ** 2, np.diff(luma, axis=1)[:-1] ** 2
    colors, down, across = (
        np.pad(x, ((apart, apart), (apart, apart), (0, 0))[: x.ndim], mode="edge")
        for x in (image, down, across)
    )
    result = np.zeros_like(image)
    for y in range(height):
        for x in range(width):
            corners = [(y + below, x + right) for below in (0, apart) for right in (0, apart)]
            unrest = [
                down[v : v + apart, u : u + square_px].mean()
                + across[v : v + square_px, u : u + apart].mean()
                for v, u in corners
            ]
            means = [colors[v : v + square_px, u : u + square_px].mean(axis=(0, 1)) for v, u in corners]
            calm = (CALM / (np.array(unrest) + CALM)) ** 4
            result[y, x] = np.average([*means, image[y, x]], axis=0, weights=[*calm, OWN])
    return result


def channels_first(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)[None].float()


@pytest.mark.parametrize("size", [(1, 1), (3, 9), (21, 16)])
@pytest.mark.parametrize("square_px", [2, 4, 5])
def test_follows_its_definition(size, square_px):
    image = np.random.default_rng(1).random((*size, 3))
    expected = channels_first(by_hand(image, square_px))
    torch.testing.assert_close(
        simplified(channels_first(image), square_px), expected, atol=0.51 / 255, rtol=0
    )


def test_squares_of_one_pixel_change_nothing():
    image = torch.rand(1, 3, 9, 9)
    assert simplified(image, 1) is image


def test_an_edge_stays_crisp():
    image = torch.full((1, 3, 24, 24), 0.2)
    image[..., 11:] = 0.8
    torch.testing.assert_close(simplified(image, SQUARE_PX), image, atol=2 / 255, rtol=0)


def test_an_eye_stays():
    image = torch.full((1, 3, 24, 24), 0.8)
    image[..., 11:13, 10:13] = 0.2
    assert (simplified(image, SQUARE_PX)[..., 11:13, 10:13] < 0.35).all()


def test_texture_becomes_patches():
    image = (0.5 + 0.04 * torch.randn(1, 3, 40, 40)).clamp(0, 1)
    assert simplified(image, SQUARE_PX).std() < 0.6 * image.std()


def test_values_are_bytes_and_stay_in_range():
    levels = simplified(torch.rand(2, 3, 15, 22), SQUARE_PX) * 255
    torch.testing.assert_close(levels, levels.round(), atol=1e-3, rtol=0)
    assert levels.min() >= 0
    assert levels.max() <= 255


def test_stays_accurate_under_autocast():
    image = torch.rand(1, 3, 30, 30)
    with torch.autocast("cpu", torch.bfloat16):
        found = simplified(image.bfloat16(), SQUARE_PX)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, simplified(image, SQUARE_PX), atol=0.02, rtol=0)
