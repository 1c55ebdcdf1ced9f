"""artrt.quantize and artrt.superpixels: results, limits and bad input."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import artrt
from artrt.engine.effects.quantize import DITHERS, quantize, quantize_effect
from artrt.engine.effects.superpixels import superpixels, superpixels_effect
from artrt.engine.errors import MissingExtraError, UnsupportedImageError, UsageError
from support.effects import colors_of

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def effect():
    with quantize_effect(8, provider="cpu") as shared:
        yield shared


@pytest.fixture(scope="module")
def regions():
    with superpixels_effect(40, provider="cpu") as shared:
        yield shared


def assert_consistent(result, k):
    """Picture, palette and labels say the same."""
    np.testing.assert_array_equal(result.palette[result.labels], result.image)
    assert len(result.palette) == len(colors_of(result.image)) <= k
    counts = np.bincount(result.labels.reshape(-1))
    assert (np.diff(counts) <= 0).all(), "the most frequent colour comes first"


def test_a_picture_in_eight_colours(effect, picture):
    image = picture(60, 80)
    result = quantize(image, 8, effect=effect)
    assert_consistent(result, 8)
    assert result.notice is None
    pixels = image.reshape(-1, 1, 3).astype(int)
    nearest = np.square(pixels - result.palette.astype(int)).sum(-1).min(1)
    np.testing.assert_array_equal(
        np.square(image.astype(int) - result.image.astype(int)).sum(-1).reshape(-1), nearest
    )


def test_results_print_shapes_instead_of_pixels(effect, regions, picture):
    image = picture(30, 40)
    few = quantize(image, k=8, effect=effect)
    assert repr(few) == f"Quantized(40x30, {len(few.palette)} colours, notice=None)"
    parts = superpixels(image, n=40, effect=regions)
    assert repr(parts) == f"Regions(40x30, count={parts.count})"


def test_large_pictures_are_painted_in_bands(effect, picture, monkeypatch):
    image = picture(90, 50)
    whole = quantize(image, 8, effect=effect)
    monkeypatch.setattr("artrt.engine.effects.quantize.BAND_SCORES", 50 * 8 * 7)
    np.testing.assert_array_equal(quantize(image, 8, effect=effect).image, whole.image)


def test_fewer_colours_than_asked_for_come_back_and_it_says_so(effect):
    image = np.zeros((30, 40, 3), np.uint8)
    image[3, 5] = (1, 2, 3)
    result = quantize(image, 8, effect=effect)
    np.testing.assert_array_equal(result.image, image)
    assert_consistent(result, 2)
    assert "only 2 colours" in str(result.notice)


def test_one_colour(effect):
    result = quantize(np.full((5, 6, 3), 9, np.uint8), 8, effect=effect)
    assert result.palette.tolist() == [[9, 9, 9]]


@pytest.mark.parametrize("k", [-1, 0, 1, 257])
def test_a_number_of_colours_out_of_range(picture, k):
    with pytest.raises(UsageError, match="2 to 256 colours"):
        quantize(picture(), k)


def test_unknown_method_and_dither(picture):
    with pytest.raises(UsageError, match="unknown method 'best'"):
        quantize(picture(), method="best")
    with pytest.raises(UsageError, match="unknown dither 'blue'"):
        quantize(picture(), dither="blue")


def test_a_float_picture_is_refused(picture):
    with pytest.raises(UnsupportedImageError, match="float64"):
        quantize(picture() / 255)
    with pytest.raises(UnsupportedImageError, match="float64"):
        superpixels(picture() / 255)


def test_the_exact_method_is_close_to_the_stage(effect, picture):
    pytest.importorskip("sklearn")
    image = picture(48, 64)
    exact, fast = quantize(image, 8, method="exact"), quantize(image, 8, effect=effect)
    assert_consistent(exact, 8)
    errors = [np.square(image.astype(float) - result.image).mean() for result in (fast, exact)]
    assert errors[0] < 1.15 * errors[1]


def test_dithering_uses_the_palette_and_keeps_local_means(effect, picture):
    image = np.repeat(picture(60, 80)[..., :1], 3, axis=2)
    plain, dithered = (quantize(image, 4, dither=dither, effect=effect) for dither in DITHERS)
    assert_consistent(dithered, 4)
    blurred = [np.abs(block_means(image) - block_means(result.image)) for result in (plain, dithered)]
    # The median: beyond its ends a palette cannot mix.
    assert np.median(blurred[1]) < 0.9 * np.median(blurred[0])


def block_means(image):
    height, width = image.shape[0] // 6 * 6, image.shape[1] // 6 * 6
    return image[:height, :width].reshape(height // 6, 6, width // 6, 6, 3).mean((1, 3))


@pytest.mark.parametrize(
    ("module", "call"), [("sklearn.cluster", quantize), ("skimage.segmentation", superpixels)]
)
def test_the_exact_method_names_what_it_needs(picture, monkeypatch, module, call):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"artrt\[train\]"):
        call(picture(), 20, method="exact")


@pytest.mark.parametrize("name", ["colors", "palette_rate"])
def test_controls_that_are_not_finite_are_refused(effect, picture, name):
    with pytest.raises(UsageError, match=name):
        effect(picture(), **{name: float("nan")})


def test_frames_one_after_another_keep_their_palette(effect, picture):
    effect.reset()
    image = picture(60, 80)
    first = effect(image)
    again = effect(image)
    assert np.abs(first.astype(int) - again).mean() < 2
    effect.reset()
    np.testing.assert_array_equal(effect(image), first)


def test_both_are_in_the_public_api(picture):
    image = picture(20, 24)
    assert isinstance(artrt.quantize(image, k=3), artrt.Quantized)
    assert isinstance(artrt.superpixels(image, n=10), artrt.Regions)
    width_one = picture(30, 1)
    assert artrt.superpixels(width_one, n=5).labels.shape == (30, 1)
    assert artrt.quantize(width_one, k=3).image.shape == width_one.shape


def test_results_are_saved(tmp_path, picture):
    few = artrt.Quantized(picture(8, 8), np.zeros((2, 3), np.uint8), np.zeros((8, 8), np.uint8))
    few.save(tmp_path / "a.png")
    assert (artrt.read_image(tmp_path / "a.png") == 0).all()  # the palette's colours
    few.save(tmp_path / "a.bmp")
    assert (artrt.read_image(tmp_path / "a.bmp") == few.image).all()
    artrt.Regions(picture(8, 8), np.zeros((8, 8), np.int32), 1).save(tmp_path / "b.png")
    assert (artrt.read_image(tmp_path / "b.png") == picture(8, 8)).all()
