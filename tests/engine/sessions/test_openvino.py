from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("openvino")

from artrt.engine.errors import ContractError, ProviderError
from artrt.engine.sessions import open_session
from artrt.engine.sessions.openvino import KEPT_FORMS, reluctance
from artrt.engine.stages.loading import load_stage
from artrt.engine.zoo.zoo import Zoo
from support.models import write_zoo


@pytest.fixture(scope="module")
def zoo(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("zoo")
    write_zoo(folder)
    return folder


@pytest.fixture
def paint(zoo):
    with load_stage(zoo / "stylize-small.onnx", provider="openvino", threads=1) as stage:
        yield stage


STYLE = np.array([0.5, 0, 0, 0], np.float32)


def test_it_paints_like_the_cpu_in_every_size(zoo, paint, picture):
    assert paint.session.provider == "openvino"
    with load_stage(zoo / "stylize-small.onnx", provider="cpu", threads=1) as reference:
        for size in ((20, 24), (31, 17), (20, 24)):
            photo = picture(*size)
            for strength in (1.0, 0.3):
                got, expected = (stage(photo, style=STYLE, strength=strength) for stage in (paint, reference))
                assert np.abs(got.astype(int) - expected.astype(int)).max() <= 1


def test_it_runs_without_a_cache(zoo, monkeypatch, picture):
    monkeypatch.setenv("ARTRT_CACHE_DIR", "/proc/nope")
    with load_stage(zoo / "stylize-small.onnx", provider="openvino", threads=1) as stage:
        assert "nothing is cached: /proc/nope/openvino cannot be written" in stage.session.reason
        stage(picture(20, 24), style=STYLE)


def test_metadata_and_shapes_are_kept(paint):
    assert paint.spec.name == "stylize"
    assert paint.session.inputs["style"].shape == STYLE.shape
    assert paint.session.inputs["strength"].shape == ()
    assert paint.session.inputs["frame"].dtype == "uint8"


def test_only_the_latest_shapes_are_kept(paint, picture):
    for side in range(16, 16 + 2 * KEPT_FORMS):
        paint(picture(side, side), style=STYLE)
    assert len(paint.session._requests) == KEPT_FORMS


def test_every_stroke_is_compiled_for_with_all_sizes_known(picture):
    shipped = Zoo()
    style, photo = shipped.style(shipped.styles()[0]).vector, picture(136, 200)
    path = shipped.model_path("small")
    with load_stage(path, provider="openvino", size=photo.shape[:2], threads=1) as stage:
        with load_stage(path, provider="cpu", threads=1) as reference:
            paintings = {}
            for stroke in (4.0, 3.0, 4.0):
                paintings[stroke] = stage(photo, style=style, stroke=stroke)
                expected = reference(photo, style=style, stroke=stroke)
                assert np.abs(paintings[stroke].astype(int) - expected.astype(int)).max() <= 1
        assert not np.array_equal(paintings[4.0], paintings[3.0])
        requests = stage.session._requests.values()
        assert len(requests) == 3  # strokes 1, of the proof, 4 and 3
        for request in requests:
            nodes = request.get_compiled_model().get_runtime_model().get_ops()
            assert not any(port.get_partial_shape().is_dynamic for node in nodes for port in node.outputs())


def test_results_belong_to_the_caller(paint, picture):
    first = paint(picture(20, 24, seed=0), style=STYLE, strength=0.5)
    before = first.copy()
    paint(picture(20, 24, seed=1), style=STYLE, strength=0.5)
    assert np.array_equal(first, before)


def test_wrong_inputs_and_closed_sessions_say_so(paint):
    with pytest.raises(ContractError, match="inputs are"):
        paint.session.run({"frame": np.zeros((4, 4, 3), np.uint8)})
    paint.close()
    with pytest.raises(RuntimeError, match="closed"):
        paint.session.run({})


def test_a_missing_package_names_the_extra(zoo, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ProviderError, match=r"artrt\[openvino\]"):
        open_session(zoo / "stylize-small.onnx", provider="openvino")


def test_a_file_that_is_no_model_is_a_provider_error(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"not a model")
    with pytest.raises(ProviderError, match="openvino failed"):
        open_session(tmp_path / "bad.onnx", provider="openvino")


def test_auto_leaves_graphs_with_many_branches_to_onnxruntime():
    shipped = Zoo()
    assert "branches" in str(reluctance(shipped.path("quantize.onnx")))
    assert reluctance(shipped.path("stylize-small.onnx")) is None
    with open_session(shipped.path("quantize.onnx"), steady=True, threads=1) as session:
        assert session.provider == "cpu"
        assert "openvino: " in session.reason
