"""The shift of whole pictures, against shifts that are known."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from artrt.export.graphs import motion
from artrt.export.onnx_builder import GraphBuilder, finish

ort = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def measured():
    """`measured(before, now)` -> (down, right) in pixels, from two pictures uint8 [H, W, 3]."""
    graph = GraphBuilder()
    before, now = motion.view(graph, "before"), motion.view(graph, "now")
    shift = motion.shift(graph, before, now)
    value = helper.make_tensor_value_info
    inputs = [value(name, TensorProto.FLOAT, [3, "H", "W"]) for name in ("before", "now")]
    model = finish(graph.graph("motion", inputs, [value(shift, TensorProto.FLOAT, [2])]), {})
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    def run(first, second):
        planes = [image.transpose(2, 0, 1).astype(np.float32) for image in (first, second)]
        boxes = session.run(None, dict(zip(("before", "now"), planes, strict=True)))[0]
        return boxes * np.array(first.shape[:2]) / (motion.ROWS, motion.COLUMNS)

    return run


@pytest.mark.parametrize("shift", [(0, 0), (3, -5), (-8, 2), (1, 1), (0, 12), (-10, -12)])
def test_a_known_shift_is_found(measured, picture, shift):
    large = picture(260, 380, seed=4)
    down, right = shift
    before = large[20:240, 20:360]
    now = large[20 - down : 240 - down, 20 - right : 360 - right]
    np.testing.assert_allclose(measured(before, now), shift, atol=1.0)


def test_a_picture_that_stays_gives_exactly_zero(measured, picture):
    image = picture(90, 120)
    np.testing.assert_array_equal(measured(image, image), [0, 0])


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 200, 3), (40, 3, 3)])
def test_tiny_and_flat_pictures_do_not_move(measured, shape):
    flat = np.full(shape, 90, np.uint8)
    np.testing.assert_array_equal(measured(flat, flat), [0, 0])
