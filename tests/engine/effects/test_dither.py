"""Floyd-Steinberg against the textbook's loop."""

from __future__ import annotations

import numpy as np
import pytest

from artrt.engine.effects.dither import floyd_steinberg

GREYS = np.array([[0, 0, 0], [120, 120, 120], [255, 255, 255]], np.uint8)


def by_the_book(image, palette):
    height, width = image.shape[:2]
    wanted = image.astype(np.float32)
    painted = np.empty_like(image)
    for y in range(height):
        for x in range(width):
            value = wanted[y, x].clip(0, 255)
            label = np.square(palette.astype(np.float32) - value).sum(1).argmin()
            painted[y, x] = palette[label]
            error = value - palette[label]
            for dy, dx, part in ((0, 1, 7), (1, -1, 3), (1, 0, 5), (1, 1, 1)):
                if y + dy < height and 0 <= x + dx < width:
                    wanted[y + dy, x + dx] += error * np.float32(part / 16)
    return painted


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (7, 12), (20, 5)])
def test_it_does_what_the_loop_does(picture, shape):
    image = picture(*shape)
    same = (floyd_steinberg(image, GREYS) == by_the_book(image, GREYS)).all(-1)
    assert same.mean() > 0.97


def test_a_flat_grey_becomes_its_share_of_black_and_white():
    image = np.full((40, 40, 3), 64, np.uint8)
    result = floyd_steinberg(image, GREYS[[0, 2]])
    assert (result == 255).mean() == pytest.approx(64 / 255, abs=0.02)
