"""Every graph that artrt exports, in its form for TensorRT: equal results, and nothing that the parser refuses."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from artrt.engine.sessions import SessionOptions
from artrt.engine.sessions.onnxruntime import open_model
from artrt.engine.sessions.probe import probe_feeds
from artrt.engine.zoo.zoo import SHIPPED
from artrt.export.fp16 import to_fp16
from artrt.export.lint import lint
from artrt.export.onnx_from_kmeans import onnx_from_kmeans
from artrt.export.onnx_from_slic import onnx_from_slic
from artrt.export.onnx_from_transformer import onnx_from_transformer
from artrt.export.simplify import with_size
from artrt.export.tensorrt_form import tensorrt_form
from artrt.export.vector_inputs import with_vector_inputs

SIZE = (48, 64)


@pytest.fixture(scope="module")
def graphs(transformer):
    flat = onnx_from_transformer(transformer, branch=False)
    return {
        "stylize": onnx_from_transformer(transformer),
        "stylize flat": flat,
        "stylize fixed": with_size(flat, SIZE),
        "stylize fp16": to_fp16(flat),
        "quantize": onnx_from_kmeans(),
        "quantize 16": onnx_from_kmeans(colors=16),
        "superpixels": onnx_from_slic(),
    }


NAMES = ["stylize", "stylize flat", "stylize fixed", "stylize fp16", "quantize", "quantize 16", "superpixels"]


def run(model, path, style):
    onnx.save(model, str(path))
    with open_model(path, "cpu", SessionOptions(threads=1)) as session:
        feeds = probe_feeds(session, size=SIZE)
        if "style" in feeds:
            feeds |= {"style": style, "strength": np.full_like(feeds["strength"], 0.7)}
        return session.run(feeds)


@pytest.mark.parametrize("name", NAMES)
def test_the_form_gives_the_same_results(graphs, style, tmp_path, name):
    expected = run(graphs[name], tmp_path / "a.onnx", style)
    got = run(with_vector_inputs(tensorrt_form(graphs[name])), tmp_path / "b.onnx", style)
    assert list(got) == list(expected)
    within = int(name.startswith("stylize"))  # it rounds twice, and a half may end on the other side
    for key, value in expected.items():
        assert np.abs(got[key].astype(np.float32) - value.astype(np.float32)).max() <= within, key


@pytest.mark.parametrize("name", NAMES)
def test_tensorrt_would_take_the_form(graphs, name):
    assert lint(with_vector_inputs(tensorrt_form(graphs[name]))) == []


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.onnx")), ids=lambda path: path.name)
def test_tensorrt_would_take_the_shipped_stages(path):
    assert lint(tensorrt_form(onnx.load(str(path)))) == []


def test_the_lint_refuses_bytes_inside(graphs):
    faults = lint(graphs["stylize"])
    assert any("UINT8" in fault for fault in faults)


def model(text):
    header = '<ir_version: 10, opset_import: ["" : 19]>'
    return onnx.parser.parse_model(header + text)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('y = Resize <mode = "cubic"> (x, , s)', "mode cubic"),
        ("y = Softsign (x)", "not supported"),
        ("y = InstanceNormalization (x, t, t)", "must be initializers"),
    ],
)
def test_the_lint_names_operator_and_fault(body, fault):
    text = f"g (float[1, 3, 8, 8] x, float[3] t, float[4] s) => (float[a, b, c, d] y) {{ {body} }}"
    found = lint(model(text))
    assert any(fault in line for line in found), found
