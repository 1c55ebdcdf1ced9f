"""Results and stylizers in notebooks: a PNG of the picture, reduced."""

from __future__ import annotations

import numpy as np

import artrt
from artrt.engine.frame import Frame, decode_image
from artrt.engine.result import NOTEBOOK_PX, Result


def test_a_result_shows_its_picture():
    image = np.full((30, 40, 3), (10, 200, 90), np.uint8)
    shown, _ = decode_image(Result(Frame(image), image)._repr_png_())
    np.testing.assert_array_equal(shown, image)


def test_large_pictures_are_reduced():
    image = np.zeros((1500, 3000, 3), np.uint8)
    shown, _ = decode_image(Result(Frame(image), image)._repr_png_())
    assert shown.shape == (NOTEBOOK_PX // 2, NOTEBOOK_PX, 3)


def test_a_stylizer_shows_a_photograph_in_its_look(use_tiny_zoo):
    with artrt.Stylizer("udnie") as stylizer:
        shown, _ = decode_image(stylizer._repr_png_())
    assert (shown == 204).all()
