from __future__ import annotations

import numpy as np
import onnx
import pytest

from artrt.engine.errors import ContractError
from artrt.engine.sessions import SessionOptions
from artrt.engine.sessions.onnxruntime import open_model
from artrt.engine.stages.stage import Stage
from artrt.export.batch import batched
from artrt.export.lint import lint
from artrt.export.onnx_from_kmeans import onnx_from_kmeans
from artrt.export.onnx_from_transformer import onnx_from_transformer
from artrt.export.tensorrt_form import tensorrt_form
from artrt.export.transformer_parity import cpu_stage


def test_a_batch_gives_what_single_frames_give(transformer, style, picture, tmp_path):
    single = onnx_from_transformer(transformer)
    model = batched(single, 3)
    assert len(model.SerializeToString()) < 2 * len(single.SerializeToString())
    onnx.save(model, str(tmp_path / "batch.onnx"))
    frames = [picture(30, 40, seed=seed) for seed in range(3)]
    controls = {
        "style": style,
        "strength": np.array(0.8, np.float32),
        "mask": np.zeros((1, 1), np.float32),
        "keep_salient": np.array(0, np.float32),
        "preserve_colors": np.array(0, np.float32),
        "stroke": np.array(1, np.float32),
    }
    with cpu_stage(single, tmp_path, threads=1) as stage:
        expected = [stage(frame, style=style, strength=0.8) for frame in frames]
    with open_model(tmp_path / "batch.onnx", "cpu", SessionOptions(threads=1, size=(30, 40))) as session:
        got = session.run({"frame": np.stack(frames), **controls})["output"]
        assert np.array_equal(got, np.stack(expected))
        with pytest.raises(ContractError, match="takes 3 frames in one call"):
            Stage(session)


def test_tensorrt_would_take_a_batch(transformer):
    assert lint(tensorrt_form(batched(onnx_from_transformer(transformer, branch=False), 2))) == []


def test_a_stage_with_states_takes_one_frame_at_a_time():
    with pytest.raises(ValueError, match="uses the previous frame"):
        batched(onnx_from_kmeans(colors=4), 2)
