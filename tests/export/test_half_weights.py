"""Weights in float16 on disk: half the file, the same picture."""

from __future__ import annotations

import numpy as np

from artrt.export.half_weights import with_half_weights
from artrt.export.lint import lint
from artrt.export.onnx_from_transformer import onnx_from_transformer
from artrt.export.tensorrt_form import tensorrt_form
from artrt.export.transformer_parity import cpu_stage


def test_half_the_file_and_the_same_picture(transformer, style, picture, tmp_path):
    whole = onnx_from_transformer(transformer)
    half = with_half_weights(whole)
    assert half.ByteSize() < 0.75 * whole.ByteSize()
    photo = picture(48, 64)
    with cpu_stage(whole, tmp_path, threads=1) as one, cpu_stage(half, tmp_path, threads=1) as other:
        assert one.spec == other.spec
        difference = one(photo, style=style).astype(int) - other(photo, style=style)
    assert np.abs(difference).max() <= 2


def test_tensorrt_would_take_it(transformer):
    assert lint(tensorrt_form(with_half_weights(onnx_from_transformer(transformer)))) == []
