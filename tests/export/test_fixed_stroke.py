from __future__ import annotations

import numpy as np
import pytest

from artrt.export.fixed_stroke import with_stroke
from artrt.export.fuse import fuse, spec_of
from artrt.export.onnx_from_kmeans import onnx_from_kmeans
from artrt.export.onnx_from_transformer import onnx_from_transformer
from artrt.export.transformer_parity import cpu_stage


@pytest.fixture(scope="module")
def model(transformer):
    return onnx_from_transformer(transformer)


def test_it_paints_as_the_control_would(model, style, picture, tmp_path):
    photo, fixed = picture(136, 200), with_stroke(model, 3.0)
    with cpu_stage(model, tmp_path, threads=1) as free, cpu_stage(fixed, tmp_path, threads=1) as other:
        expected = free(photo, style=style, stroke=3.0)
        assert np.array_equal(other(photo, style=style), expected)
        assert not np.array_equal(free(photo, style=style), expected)


def test_the_contract_says_so(model):
    spec = spec_of(with_stroke(model, 3.0))
    assert "stroke" not in spec.controls
    assert spec.extra["stroke"] == 3.0
    assert spec.extra["trunk"] == spec_of(model).extra["trunk"]


def test_fused_graphs_are_fixed_too(model):
    fused = with_stroke(fuse([onnx_from_kmeans(colors=8), model]), 2.0)
    assert spec_of(fused).extra["stroke"] == 2.0
    assert "stroke" not in {value.name for value in fused.graph.input}


def test_a_stage_without_strokes_stays(model):
    effect = onnx_from_kmeans(colors=8)
    assert with_stroke(effect, 2.0) == effect
