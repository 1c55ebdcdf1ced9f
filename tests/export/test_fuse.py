from __future__ import annotations

import numpy as np
import onnx
import pytest

from artrt.engine.errors import ContractError
from artrt.engine.stages.chain import Chain
from artrt.export.fuse import fuse, spec_of
from artrt.export.onnx_from_kmeans import onnx_from_kmeans
from artrt.export.onnx_from_transformer import onnx_from_transformer
from artrt.export.simplify import simplified, with_size
from artrt.export.transformer_parity import cpu_stage


@pytest.fixture(scope="module")
def stages(transformer):
    return [onnx_from_kmeans(colors=8), onnx_from_transformer(transformer)]


def frames(picture):
    return [picture(48, 64, seed=seed) for seed in (0, 0, 1)]


def test_the_fused_graph_equals_the_chain_frame_after_frame(stages, style, picture, tmp_path):
    singles = [cpu_stage(model, tmp_path, threads=1) for model in stages]
    with Chain(singles) as chain, cpu_stage(fuse(stages), tmp_path, threads=1) as fused:
        assert fused.name == "quantize+stylize"
        for frame in frames(picture):
            expected = chain(frame, style=style, strength=0.8)
            assert np.array_equal(fused(frame, style=style, strength=0.8), expected)


@pytest.mark.parametrize(
    "fold", [simplified, lambda model: with_size(model, (48, 64))], ids=["folded", "sized"]
)
def test_simplification_changes_nothing(stages, style, picture, tmp_path, fold):
    fused = fuse(stages)
    small = fold(fused)
    assert len(small.graph.node) < len(fused.graph.node)
    assert spec_of(small) == spec_of(fused)
    with cpu_stage(fused, tmp_path, threads=1) as first, cpu_stage(small, tmp_path, threads=1) as second:
        for frame in frames(picture):
            a, b = first(frame, style=style), second(frame, style=style)
            assert np.abs(a.astype(int) - b.astype(int)).max() <= 1


def test_controls_and_states_are_those_of_all(stages):
    spec = spec_of(fuse(stages))
    assert {"style", "strength", "mask", "keep_salient"} <= set(spec.controls)
    assert set(spec.states) == set(spec_of(stages[0]).states)
    assert spec.extra["fused"] == ["quantize", "stylize"]


def test_two_stages_of_one_name_cannot_be_fused(stages):
    with pytest.raises(ContractError, match="names must differ"):
        fuse([stages[0], stages[0]])


def test_a_model_without_contract_is_refused(stages):
    bare = onnx.ModelProto()
    bare.CopyFrom(stages[0])
    del bare.metadata_props[:]
    with pytest.raises(ContractError, match=r"artrt\.stage"):
        fuse([bare])
