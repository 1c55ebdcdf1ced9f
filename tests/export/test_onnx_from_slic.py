"""The superpixels stage against NumPy, and its properties."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from artrt.export.fuse import spec_of
from artrt.export.onnx_from_slic import onnx_from_slic
from artrt.export.tensor_types import tensor_types
from reference import slic
from support.effects import Runner

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def stage():
    return Runner(onnx_from_slic())


def test_no_bytes_are_padded():
    """CUDA has no such operator: the frame would leave the GPU for it."""
    model = onnx_from_slic()
    types, padded = tensor_types(model), []
    graphs = [model.graph]
    while graphs:
        for node in graphs.pop().node:
            graphs += [attribute.g for attribute in node.attribute if attribute.HasField("g")]
            padded += [types.get(node.input[0])] if node.op_type == "Pad" else []
    assert onnx.TensorProto.FLOAT in padded
    assert onnx.TensorProto.UINT8 not in padded


@pytest.fixture
def rough(picture):
    """A smooth picture with noise, so that borders are where colours say."""

    def make(height=72, width=96, *, seed=0):
        noise = np.random.default_rng(seed).normal(scale=8, size=(height, width, 3))
        return (picture(height, width, seed=seed) + noise).clip(0, 255).astype(np.uint8)

    return make


def assert_mean_colours(image, result):
    """Every region has the mean colour of its pixels."""
    labels = result["labels"].reshape(-1)
    counts = np.maximum(np.bincount(labels), 1)
    for channel in range(3):
        means = np.bincount(labels, image[..., channel].reshape(-1)) / counts
        assert np.abs(means[labels] - result["output"][..., channel].reshape(-1)).max() <= 0.51


@pytest.mark.parametrize(("number", "compactness"), [(12, 10.0), (48, 10.0), (150, 20.0), (48, 3.0)])
def test_labels_are_those_of_the_reference(stage, rough, number, compactness):
    image = rough()
    result = stage(image, regions=number, compactness=compactness)
    expected = slic.slic(image, number, compactness=compactness)
    assert (result["labels"] == expected).mean() >= 0.995


@pytest.mark.parametrize("shape", [(72, 96), (31, 57), (97, 5)])
@pytest.mark.parametrize("number", [1, 9, 60])
def test_labels_cover_the_picture_and_colours_are_means(stage, rough, shape, number):
    image = rough(*shape)
    result = stage(image, regions=number)
    cells = slic.grid(*shape, number)
    assert result["labels"].shape == shape
    assert result["labels"].min() >= 0
    assert result["labels"].max() < cells.rows * cells.columns
    assert_mean_colours(image, result)


@pytest.mark.parametrize("number", [10, 37, 100, 200, 800])
def test_the_number_of_regions_is_about_what_was_asked_for(stage, rough, number):
    image = rough(120, 160)
    assert 0.75 * number <= len(np.unique(stage(image, regions=number)["labels"])) <= 1.25 * number


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (2, 3)])
def test_thin_pictures_work(stage, picture, shape):
    image = picture(*shape)
    assert_mean_colours(image, stage(image, regions=min(4, shape[0] * shape[1])))


def test_as_many_regions_as_pixels_keep_the_picture(stage, picture):
    image = picture(20, 30)
    np.testing.assert_array_equal(stage(image, regions=600)["output"], image)


def test_a_picture_of_one_colour_has_regions_in_a_grid(stage):
    image = np.full((40, 40, 3), 77, np.uint8)
    result = stage(image, regions=16)
    np.testing.assert_array_equal(result["output"], image)
    assert len(np.unique(result["labels"])) == 16


def test_regions_stay_where_the_picture_stays(stage, rough):
    image = rough()
    first = stage(image, regions=48)
    second = stage(image, stage.states(first), regions=48)
    assert (first["labels"] == second["labels"]).mean() > 0.97
    assert_mean_colours(image, second)


def test_regions_follow_a_moving_picture(stage, picture):
    large = picture(160, 260, seed=4)
    states, labels = None, []
    for step in range(6):
        result = stage(
            np.ascontiguousarray(large[20:140, 10 + 5 * step : 170 + 5 * step]), states, regions=60
        )
        states = stage.states(result)
        labels.append(result["output"])
    moved = np.abs(labels[-1][:, :-5].astype(int) - labels[-2][:, 5:]).mean()
    fresh = np.abs(
        stage(np.ascontiguousarray(large[20:140, 35:195]), regions=60)["output"][:, :-5].astype(int)
        - stage(np.ascontiguousarray(large[20:140, 30:190]), regions=60)["output"][:, 5:]
    ).mean()
    assert moved < 0.6 * fresh


def test_a_cut_restarts_as_a_fresh_frame(stage, rough):
    first = stage(rough(seed=1) // 4, regions=48)
    cut = 255 - rough(seed=2) // 4
    np.testing.assert_array_equal(
        stage(cut, stage.states(first), regions=48)["labels"], stage(cut, regions=48)["labels"]
    )


def test_another_number_of_regions_or_size_starts_fresh(stage, rough):
    states = stage.states(stage(rough(), regions=48))
    for image, number in ((rough(), 80), (rough(50, 120), 48)):
        result = stage(image, states, regions=number)
        np.testing.assert_array_equal(result["labels"], stage(image, regions=number)["labels"])


def test_frames_in_any_order_do_not_crash(stage, rough):
    states = None
    for seed in (3, 0, 2, 2, 1, 0):
        result = stage(rough(seed=seed), states, regions=30)
        assert_mean_colours(rough(seed=seed), result)
        states = stage.states(result)


def test_outlines_darken_borders_only(stage, rough):
    image = rough()
    plain, lines = stage(image, regions=30), stage(image, regions=30, outline=1)
    labels = plain["labels"]
    border = np.zeros(labels.shape, bool)
    border[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    border[:-1] |= labels[:-1] != labels[1:]
    assert not lines["output"][border].any()
    np.testing.assert_array_equal(lines["output"][~border], plain["output"][~border])


def test_higher_compactness_gives_shorter_borders(stage, rough):
    def length(compactness):
        labels = stage(rough(), regions=48, compactness=compactness)["labels"]
        return (labels[:, 1:] != labels[:, :-1]).sum() + (labels[1:] != labels[:-1]).sum()

    assert length(80) < length(10) < length(1)


def test_regions_fixed_at_export_give_the_same(stage, rough):
    fixed = Runner(onnx_from_slic(regions=48))
    assert "regions" not in fixed.spec.controls
    np.testing.assert_array_equal(fixed(rough())["labels"], stage(rough(), regions=48)["labels"])


@pytest.mark.parametrize("regions", [0, 8001])
def test_impossible_numbers_of_regions_are_refused(regions):
    with pytest.raises(ValueError, match="regions must be 1 to 8000"):
        onnx_from_slic(regions=regions)


def test_the_contract_names_controls_and_states():
    spec = spec_of(onnx_from_slic())
    assert set(spec.controls) == {"regions", "compactness", "outline", "centers_rate"}
    assert set(spec.states) == {"centers", "centers_summary", "centers_view"}
