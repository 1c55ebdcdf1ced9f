"""Reduction to the working size and enlargement from it, in the graph against OpenCV."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from artrt.export import working_size as reference
from artrt.export.graphs.enlarge import LUMA_BGR, enlarged
from artrt.export.graphs.reduce import reduced, working_size
from artrt.export.lint import lint
from artrt.export.onnx_builder import GraphBuilder, finish
from artrt.export.tensorrt_form import tensorrt_form

ort = pytest.importorskip("onnxruntime")

SIZES = [(720, 1024), (511, 903), (1201, 401), (361, 360), (360, 640), (37, 53), (1, 1), (5, 900)]


def both_parts(*, branch):
    """Reduction and enlargement with a painting given from outside."""
    graph, value = GraphBuilder(), helper.make_tensor_value_info
    small = reduced(graph, "frame", "stroke")
    enlarged(graph, "painted", small, "frame", out="output", branch=branch)
    numbers = [
        value(n, TensorProto.FLOAT, []) for n in ("strength", "keep_salient", "preserve_colors", "stroke")
    ]
    inputs = [
        value("frame", TensorProto.UINT8, ["H", "W", 3]),
        value("painted", TensorProto.UINT8, ["h", "w", 3]),
    ]
    inputs += [*numbers, value("mask", TensorProto.FLOAT, ["mask_h", "mask_w"])]
    outputs = [
        value("output", TensorProto.UINT8, ["H", "W", 3]),
        value(small.image, TensorProto.UINT8, ["small_h", "small_w", 3]),
    ]
    return finish(graph.graph("parts", inputs, outputs), {})


@pytest.fixture(scope="module", params=[True, False], ids=["branch", "straight"])
def parts(request):
    model = both_parts(branch=request.param)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    def run(frame, painted, **controls):
        numbers = {"strength": 1, "keep_salient": 0, "preserve_colors": 0, "stroke": 1} | controls
        mask = numbers.pop("mask", np.zeros((1, 1), np.float32))
        feeds = {name: np.array(number, np.float32) for name, number in numbers.items()}
        return session.run(None, feeds | {"frame": frame, "painted": painted, "mask": mask})

    return run


def pictures(size, small):
    """A frame and a painting: waves and noise."""
    random = np.random.default_rng(size[0])
    shapes = [(*size, 3), (*small, 3)]
    return [
        (100 + 60 * np.sin(np.indices(shape).sum(0) / 9) + random.normal(0, 25, shape))
        .clip(0, 255)
        .astype(np.uint8)
        for shape in shapes
    ]


def assert_close(got, expected, *, within=1):
    assert got.shape == expected.shape
    assert np.abs(got.astype(int) - expected.astype(int)).max() <= within


@pytest.mark.parametrize("size", SIZES)
def test_both_parts_are_those_of_opencv(parts, size):
    small = working_size(*size)
    frame, painted = pictures(size, small)
    output, image = parts(frame, painted)
    expected = reference.reduced(frame, small)
    assert_close(image, expected.round().astype(np.uint8))
    assert_close(output, reference.enlarged(frame, painted, expected))


@pytest.mark.parametrize("stroke", [0.25, 0.5, 1.7, 2, 4])
def test_stroke_sets_the_working_size(parts, stroke):
    small = working_size(200, 333, stroke=stroke)
    frame, painted = pictures((200, 333), small)
    output, image = parts(frame, painted, stroke=stroke)
    assert image.shape[:2] == small
    assert_close(output, reference.enlarged(frame, painted, reference.reduced(frame, small)))


@pytest.mark.parametrize(
    ("size", "stroke", "expected"),
    [
        ((720, 1280), 1, (360, 640)),
        ((1280, 720), 1, (640, 360)),
        ((2160, 3840), 1, (360, 640)),
        ((720, 1280), 2, (176, 312)),
        ((720, 1280), 0.5, (720, 1280)),
        ((360, 640), 1, (360, 640)),
        ((1080, 1920), 0.5, (720, 1280)),
    ],
)
def test_the_short_side_is_painted_at_360_pixels_by_stroke(size, stroke, expected):
    assert working_size(*size, stroke=stroke) == expected


def test_a_frame_that_is_not_reduced_is_the_painting(parts):
    frame, painted = pictures((90, 120), (90, 120))
    assert_close(parts(frame, painted)[0], painted, within=0)


@pytest.mark.parametrize(
    "controls",
    [
        {"strength": 0.6},
        {"keep_salient": 0.7, "strength": 0.9},
        {"preserve_colors": 1.0},
        {"preserve_colors": 0.4, "strength": 0.8, "keep_salient": 0.5},
    ],
)
def test_controls_blend_as_in_opencv(parts, controls):
    small = working_size(500, 700)
    frame, painted = pictures((500, 700), small)
    mask = np.random.default_rng(0).random((20, 30)).astype(np.float32)
    got = parts(frame, painted, mask=mask, **controls)[0]
    assert_close(
        got, reference.enlarged(frame, painted, reference.reduced(frame, small), mask=mask, **controls)
    )


@pytest.mark.parametrize(
    "controls", [{"strength": 0}, {"keep_salient": 1, "mask": np.ones((3, 4), np.float32)}]
)
def test_what_is_kept_is_the_frame_to_the_byte(parts, controls):
    frame, painted = pictures((500, 700), working_size(500, 700))
    assert_close(parts(frame, painted, **controls)[0], frame, within=0)


def test_preserved_colours_have_the_chroma_of_the_frame(parts):
    flat = np.full((450, 500, 3), (40, 90, 200), np.uint8)
    painted = np.full((*working_size(450, 500), 3), (180, 120, 60), np.uint8)
    output = parts(flat, painted, preserve_colors=1)[0].astype(float)
    luma = output @ LUMA_BGR
    assert luma == pytest.approx((painted.astype(float) @ np.array(LUMA_BGR))[0, 0], abs=1)
    assert output[0, 0] - luma[0, 0] == pytest.approx(
        flat[0, 0] - (flat[0, 0].astype(float) @ np.array(LUMA_BGR)), abs=1.5
    )


def test_nothing_aliases(parts):
    stripes = np.zeros((1152, 1152, 3), np.uint8)
    stripes[:, ::2] = 255
    small = working_size(1152, 1152)
    image = parts(stripes, np.zeros((*small, 3), np.uint8))[1]
    assert np.abs(image.astype(int) - 128).max() <= 43  # 3 columns make one: 1 or 2 of them are white


def test_detail_of_the_enlarged_painting_follows_the_frame(parts):
    """An edge of the frame that the painting has, too, is as steep as in the frame."""
    frame = np.full((1536, 1536, 3), 60, np.uint8)
    frame[:, 768:] = 180
    image = parts(frame, np.zeros((360, 360, 3), np.uint8))[1]
    output = parts(frame, image)[0].astype(int)
    assert (output[700, 768] - output[700, 767] > 60).all()


def test_tensorrt_takes_it():
    assert lint(tensorrt_form(both_parts(branch=False))) == []


def test_means_between_two_bytes_are_rounded_alike(parts):
    """At 4:3 many are: the parity check must not take a different rounding for a difference of the model."""
    frame = np.random.default_rng(5).integers(0, 256, (512, 684, 3), np.uint8)
    size = working_size(*frame.shape[:2])
    expected = reference.reduced_as_graph(frame, size).round()
    _, small = parts(frame, np.zeros((*size, 3), np.uint8))
    assert np.array_equal(small, expected)
    by_area = reference.reduced(frame, size)
    assert np.abs(by_area - expected).max() < 0.51
    assert (by_area.round() != expected).any()  # what it was compared with before
