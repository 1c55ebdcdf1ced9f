"""Simplification in the graph against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from onnx import TensorProto, helper

from artrt.export.graphs.simplification import simplified as in_graph
from artrt.export.onnx_builder import GraphBuilder, finish
from artrt.models.networks.simplification import simplified

ort = pytest.importorskip("onnxruntime")


def stage(square_px):
    graph, value = GraphBuilder(), helper.make_tensor_value_info
    out = in_graph(graph, "columns", square_px)
    inputs = [value("columns", TensorProto.FLOAT, ["w", 3, "h"])]
    model = finish(graph.graph("part", inputs, [value(out, TensorProto.UINT8, ["h", "w", 3])]), {})
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (5, 3), (47, 33)])
@pytest.mark.parametrize("square_px", [2, 4])
def test_is_the_same_as_in_pytorch(size, square_px):
    frame = np.random.default_rng(size[0]).integers(0, 256, (*size, 3), np.uint8)
    columns = np.ascontiguousarray(frame.transpose(1, 2, 0)).astype(np.float32)
    found = stage(square_px).run(None, {"columns": columns})[0]
    rgb = torch.from_numpy(frame[..., ::-1].copy()).permute(2, 0, 1)[None].float() / 255
    expected = simplified(rgb, square_px)[0].permute(1, 2, 0).flip(2).numpy() * 255
    assert found.dtype == np.uint8
    assert found.shape == frame.shape
    np.testing.assert_allclose(found, expected, atol=1.01)
