from __future__ import annotations

import cv2
import numpy as np
import onnx
import pytest

from artrt.engine.errors import UsageError
from artrt.export.fp16 import to_fp16
from artrt.export.fuse import spec_of
from artrt.export.int8 import inner_convolutions, to_int8
from artrt.export.onnx_from_kmeans import onnx_from_kmeans
from artrt.export.onnx_from_transformer import onnx_from_transformer
from artrt.export.parity import TOLERANCES, measure, require
from artrt.export.style_change import style_loss_change
from artrt.export.transformer_parity import cpu_stage, stage_painter, torch_painter


@pytest.fixture(scope="module")
def float_model(transformer):
    return onnx_from_transformer(transformer)


@pytest.fixture(scope="module")
def photo(root):
    return cv2.imread(str(root / "docs" / "images" / "astronaut.jpg"))[40:168, 100:260]


def types_of(model):
    types = {initializer.name: initializer.data_type for initializer in model.graph.initializer}
    return {
        node.input[1].split(".")[0]: types[node.input[1]]
        for node in model.graph.node
        if node.op_type == "Conv"
    }


def test_fp16_stays_within_its_tolerance(float_model, transformer, style, photo, tmp_path):
    half = to_fp16(float_model)
    with cpu_stage(half, tmp_path, threads=1) as stage:
        parity = measure(torch_painter(transformer, style), stage_painter(stage, style), [photo])
    require(parity, TOLERANCES["fp16"], what="fp16")
    assert len(half.SerializeToString()) < 0.8 * len(float_model.SerializeToString())
    assert spec_of(half) == spec_of(float_model)


def test_fp16_leaves_the_last_convolution_and_the_statistics_in_fp32(float_model):
    half = to_fp16(float_model)
    kinds = types_of(half)
    assert kinds["head"] == onnx.TensorProto.FLOAT
    assert kinds["blocks"] == kinds["stem"] == onnx.TensorProto.FLOAT16
    normed = [node.input[0] for node in half.graph.node if node.op_type == "InstanceNormalization"]
    casts = {node.output[0] for node in half.graph.node if node.op_type == "Cast"}
    assert set(normed) <= casts


def test_fp16_leaves_distances_alone():
    model = onnx_from_kmeans(colors=8)
    assert to_fp16(model) == model


@pytest.fixture(scope="module")
def folder(tmp_path_factory, photo):
    folder = tmp_path_factory.mktemp("pictures")
    cv2.imwrite(str(folder / "a.png"), photo)
    cv2.imwrite(str(folder / "b.png"), photo[:, ::-1])
    return folder


def test_int8_stays_within_its_tolerance(float_model, transformer, style, photo, folder, tmp_path, capfd):
    quantized = to_int8(float_model, folder, style=style)
    assert capfd.readouterr().out == ""
    with cpu_stage(quantized, tmp_path, threads=1) as stage:
        original, artefact = torch_painter(transformer, style), stage_painter(stage, style)
        parity = measure(original, artefact, [photo])
        change = style_loss_change(original, artefact, [photo])
    assert parity.psnr_db >= TOLERANCES["int8"].psnr_db
    assert 0 < change <= TOLERANCES["int8"].style_loss
    zeros = [
        onnx.numpy_helper.to_array(initializer)
        for initializer in quantized.graph.initializer
        if initializer.name.endswith("zero_point")
    ]
    assert zeros
    assert not any(zero.any() for zero in zeros)


def test_int8_keeps_the_convolutions_at_the_ends(float_model):
    kept = {node.name for node in float_model.graph.node if node.op_type == "Conv"} - set(
        inner_convolutions(float_model)
    )
    weights = {node.input[1] for node in float_model.graph.node if node.name in kept}
    assert weights == {"stem.weight", "head.weight"}


def test_int8_needs_pictures(float_model, style):
    with pytest.raises(UsageError, match="--calibration DIR"):
        to_int8(float_model, None, style=style)


def test_equal_paintings_have_no_style_change_and_noise_has(photo):
    noise = np.random.default_rng(0).integers(0, 256, photo.shape, np.uint8)
    assert style_loss_change(lambda p: p, lambda p: p, [photo]) == 0
    assert style_loss_change(lambda p: p, lambda _: noise, [photo]) > 0.1
