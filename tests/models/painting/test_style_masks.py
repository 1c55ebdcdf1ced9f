"""Masks of several styles."""

import numpy as np
import pytest

from artrt.engine.errors import InputError
from artrt.models.painting.style_masks import own_masks, style_masks


def test_each_grey_level_is_one_style_from_dark_to_light():
    mask = np.full((10, 12), 200, np.uint8)
    mask[:, :4], mask[:, 4:6] = 20, 90
    mask[0, 4], mask[0, 7] = 93, 201  # as a JPEG would have it
    first, second, third = style_masks(np.dstack([mask] * 3), 3)
    assert (first[:, :4] == 255).all()
    assert (second[:, 4:6] == 255).all()
    assert (third[:, 6:] == 255).all()
    assert (first.astype(int) + second + third == 255).all()


def test_fewer_grey_levels_than_styles_are_refused():
    with pytest.raises(InputError, match="1 grey levels, but there are 2 styles"):
        style_masks(np.zeros((8, 8), np.uint8), 2)


def test_masks_of_their_own_are_taken_as_they_are():
    first, second = np.zeros((8, 8), np.uint8), np.full((8, 8, 3), 60, np.uint8)
    first[:, :4] = 255
    masks = own_masks([first, second], 2)
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
        own_masks(masks, 2)
