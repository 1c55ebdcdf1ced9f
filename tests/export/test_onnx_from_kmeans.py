"""The quantize stage against NumPy, and its properties."""

from __future__ import annotations

import numpy as np
import pytest

from artrt.export.fuse import fuse, spec_of
from artrt.export.onnx_from_kmeans import onnx_from_kmeans
from artrt.export.onnx_from_slic import onnx_from_slic
from reference import kmeans
from support.effects import Runner, colors_of

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def stage():
    return Runner(onnx_from_kmeans())


def assert_nearest(image, result, colors):
    """Every pixel has the nearest of the palette's rounded colours."""
    palette = np.round(result["palette"][:colors]).astype(np.float64)
    pixels = image.reshape(-1, 3).astype(np.float64)
    chosen = result["output"].reshape(-1, 3).astype(np.float64)
    best = np.square(pixels - palette[kmeans.nearest(pixels, palette)]).sum(-1)
    np.testing.assert_array_equal(np.square(pixels - chosen).sum(-1), best)
    assert len(colors_of(result["output"])) <= colors


@pytest.mark.parametrize("colors", [2, 7, 16, 128, 129, 256])
def test_every_pixel_takes_its_nearest_colour(stage, picture, colors):
    image = picture(40, 60, seed=colors)
    result = stage(image, colors=colors)
    assert_nearest(image, result, colors)
    assert not result["palette"][colors:].any()
    assert result["palette_summary"][0] == colors


@pytest.mark.parametrize("colors", [2, 16, 40])
def test_labels_are_those_of_the_reference(stage, picture, colors):
    image = picture(48, 64, seed=3)
    palette = np.round(kmeans.seed(image, colors))
    expected = palette[kmeans.nearest(image.reshape(-1, 3).astype(np.float64), palette)]
    got = stage(image, colors=colors)["output"].reshape(-1, 3)
    assert (np.abs(expected - got).max(1) <= 1).mean() >= 0.995


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (70, 1), (3, 5), (130, 2)])
def test_any_size_works(stage, picture, shape):
    image = picture(*shape)
    assert_nearest(image, stage(image, colors=5), 5)


def test_a_picture_of_one_colour_stays_as_it_is(stage):
    image = np.full((20, 30, 3), (12, 200, 99), np.uint8)
    np.testing.assert_array_equal(stage(image, colors=16)["output"], image)


def test_few_colours_come_back_exactly(stage):
    colors = np.array([[0, 0, 0], [255, 255, 255], [10, 200, 30], [250, 10, 10]], np.uint8)
    image = colors[np.random.default_rng(0).integers(0, 4, (50, 60))]
    np.testing.assert_array_equal(stage(image, colors=16)["output"], image)


def test_a_palette_moves_gently_on_the_next_frame(stage, picture):
    image = picture(60, 80)
    first = stage(image)
    brighter = np.clip(image.astype(int) + 3, 0, 255).astype(np.uint8)
    second = stage(brighter, stage.states(first))
    step = np.abs(second["palette"][:16] - first["palette"][:16]).max()
    assert 0.5 < step < 6


def test_rate_zero_holds_the_palette_even_at_a_cut(stage, picture):
    first = stage(picture(60, 80, seed=1))
    second = stage(255 - picture(60, 80, seed=9), stage.states(first), palette_rate=0)
    np.testing.assert_array_equal(second["palette"], first["palette"])


def test_a_cut_restarts_as_a_fresh_frame(stage):
    dark = np.random.default_rng(0).integers(0, 60, (60, 80, 3)).astype(np.uint8)
    first = stage(dark)
    cut = 255 - dark
    after = stage(cut, stage.states(first))
    np.testing.assert_array_equal(after["output"], stage(cut)["output"])


def test_no_cut_where_the_picture_stays(stage, picture):
    image = picture(60, 80)
    states = stage.states(stage(image))
    states["palette"] = states["palette"] + np.where(states["palette"] > 0, np.float32(1), np.float32(0))
    after = stage(image, states)
    assert np.abs(after["palette"] - states["palette"]).max() < 3


def test_another_number_of_colours_starts_fresh(stage, picture):
    image = picture(60, 80)
    after = stage(image, stage.states(stage(image, colors=16)), colors=24)
    np.testing.assert_array_equal(after["output"], stage(image, colors=24)["output"])


def test_frames_of_any_order_and_size_do_not_crash(stage, picture):
    states = None
    for number, (height, width) in enumerate([(40, 50), (7, 90), (1, 3), (64, 64), (40, 50)]):
        result = stage(picture(height, width, seed=number), states, colors=4 + 3 * number)
        assert result["output"].shape == (height, width, 3)
        states = stage.states(result)


def test_colours_fixed_at_export_do_as_well(stage, picture):
    image = picture(40, 60)
    fixed = Runner(onnx_from_kmeans(colors=12))
    assert "colors" not in fixed.spec.controls
    result = fixed(image)
    assert_nearest(image, result, 12)
    errors = [
        np.square(image - painted.astype(float)).mean()
        for painted in (result["output"], stage(image, colors=12)["output"])
    ]
    assert errors[0] < 1.1 * errors[1]


@pytest.mark.parametrize("colors", [1, 257])
def test_impossible_numbers_of_colours_are_refused(colors):
    with pytest.raises(ValueError, match="colors must be 2 to 256"):
        onnx_from_kmeans(colors=colors)


def test_the_fused_graph_gives_what_the_chain_gives(stage, picture):
    superpixels = Runner(onnx_from_slic())
    fused = Runner(fuse([onnx_from_kmeans(), onnx_from_slic()]))
    states, before, after = None, None, None
    for seed in (0, 0, 5):
        image = picture(50, 70, seed=seed)
        first = stage(image, before)
        second = superpixels(first["output"], after, regions=40)
        both = fused(image, states, regions=40)
        np.testing.assert_array_equal(both["output"], second["output"])
        states, before, after = fused.states(both), stage.states(first), superpixels.states(second)


def test_the_contract_names_states_and_limits():
    spec = spec_of(onnx_from_kmeans())
    assert (spec.controls["colors"].minimum, spec.controls["colors"].maximum) == (2, 256)
    assert set(spec.states) == {"palette", "palette_summary"}
