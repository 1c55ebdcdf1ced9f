"""Colour conversion in the graph against the book."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from artrt.export.graphs.color import lab_from_bgr
from artrt.export.onnx_builder import GraphBuilder, finish
from reference.color import lab_from_bgr as expected

ort = pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def converted():
    graph = GraphBuilder()
    lab = lab_from_bgr(graph, "levels")
    value = helper.make_tensor_value_info
    inputs = [value("levels", TensorProto.FLOAT, [3, "n"])]
    outputs = [value(lab, TensorProto.FLOAT, [3, "n"])]
    model = finish(graph.graph("lab", inputs, outputs), {})
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    levels = np.random.default_rng(0).integers(0, 256, (3, 20000)).astype(np.float32)
    levels[:, :256] = np.arange(256)
    levels[:, 256:1000] = np.random.default_rng(1).integers(0, 16, (3, 744))
    return levels, *session.run(None, {"levels": levels})


def test_lab_is_that_of_the_book(converted):
    levels, lab = converted
    np.testing.assert_allclose(lab.T, expected(levels.T.astype(np.float64)), atol=2e-3)


def test_grey_has_no_chroma_and_white_is_100(converted):
    _, lab = converted
    assert np.abs(lab[1:, :256]).max() < 2e-3
    assert lab[0, 0] == pytest.approx(0, abs=1e-3)
    assert lab[0, 255] == pytest.approx(100, abs=1e-3)


def test_lab_is_that_of_scikit_image(converted):
    skimage = pytest.importorskip("skimage.color")
    levels, lab = converted
    np.testing.assert_allclose(lab.T, skimage.rgb2lab(levels[::-1].T.astype(np.uint8)), atol=0.03)
