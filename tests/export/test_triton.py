from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from artrt.engine.errors import OutputError
from artrt.engine.sessions import open_session
from artrt.engine.sessions.probe import probe_feeds
from artrt.engine.stage_spec import Control, StageSpec, StateTensor
from artrt.export.artefact import export_artefact
from artrt.export.options import ExportOptions, Shapes, StageChoice
from artrt.export.triton import config_text, write_repository


@pytest.fixture(scope="module")
def messages():
    """Triton's own protobuf messages; the module needs nothing but protobuf."""
    found = importlib.util.find_spec("tritonclient")
    if found is None or not found.submodule_search_locations:
        pytest.skip("tritonclient is not installed")
    path = Path(found.submodule_search_locations[0]) / "grpc" / "model_config_pb2.py"
    spec = importlib.util.spec_from_file_location("model_config_pb2", path)
    module = sys.modules.get("model_config_pb2") or importlib.util.module_from_spec(spec)
    if "model_config_pb2" not in sys.modules:
        sys.modules["model_config_pb2"] = module
        spec.loader.exec_module(module)
    return module


def parsed(messages, text):
    from google.protobuf import text_format

    return text_format.Parse(text, messages.ModelConfig())


def assert_triton_takes(messages, folder):
    """What Triton checks when it loads a model that does not batch, of the config and against the model."""
    config = parsed(messages, (folder / "config.pbtxt").read_text())
    model = onnx.load(str(folder / "1" / "model.onnx"))
    assert config.max_batch_size == 0
    states = {state.input_name: state for state in config.sequence_batching.state}
    shapes = {
        value.name: [dimension.dim_value or -1 for dimension in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert {value.name for value in config.input} | set(states) == {value.name for value in model.graph.input}
    for value in (*config.input, *config.output):
        assert not value.HasField("reshape"), "an empty one is refused where max_batch_size is 0"
        assert len(value.dims) == len(shapes[value.name]) > 0, value.name
        for said, fixed in zip(value.dims, shapes[value.name], strict=True):
            assert fixed in (-1, said), value.name
    for name, state in states.items():
        (initial,) = state.initial_state
        assert initial.zero_data
        assert list(initial.dims) == list(state.dims) == shapes[name] == shapes[state.output_name]


@pytest.mark.parametrize("size", [None, "64x48"])
@pytest.mark.parametrize("fuse", [False, True])
def test_triton_would_load_the_repository(messages, tiny_zoo, tmp_path, size, fuse):
    stages = (StageChoice("superpixels", 20), StageChoice("quantize", 8), StageChoice("stylize"))
    shapes = Shapes.of(size=size)
    options = ExportOptions(model="tiny", stages=stages, shapes=shapes, fuse=fuse, verify=False)
    export_artefact(options, tmp_path / "a", zoo=tiny_zoo)
    folders = write_repository(tmp_path / "a", tmp_path / "repository")
    assert len(folders) == (1 if fuse else 3)
    for folder in folders:
        assert_triton_takes(messages, folder)


def test_triton_would_load_a_batch(messages, tiny_zoo, tmp_path):
    export_artefact(
        ExportOptions(model="tiny", batch=2, shapes=Shapes.of(size="64x48"), verify=False),
        tmp_path / "a",
        zoo=tiny_zoo,
    )
    (folder,) = write_repository(tmp_path / "a", tmp_path / "repository")
    assert_triton_takes(messages, folder)
    assert list(parsed(messages, (folder / "config.pbtxt").read_text()).input[0].dims) == [2, 48, 64, 3]


def test_the_copied_model_takes_numbers_as_vectors_and_paints_the_same(tiny_zoo, style, picture, tmp_path):
    export_artefact(ExportOptions(model="tiny", verify=False), tmp_path / "a", zoo=tiny_zoo)
    (folder,) = write_repository(tmp_path / "a", tmp_path / "repository")
    results = []
    for path in (tmp_path / "a" / "stylize.onnx", folder / "1" / "model.onnx"):
        with open_session(path, provider="cpu") as session:
            feeds = probe_feeds(session) | {"frame": picture(), "style": style}
            feeds["strength"] = np.full_like(feeds["strength"], 0.6)
            results.append(session.run(feeds)["output"])
            assert session.inputs["strength"].shape == (() if len(results) == 1 else (1,))
    np.testing.assert_array_equal(results[0], results[1])


def test_a_model_that_was_there_is_replaced_whole(tiny_zoo, tmp_path):
    export_artefact(ExportOptions(model="tiny", verify=False), tmp_path / "a", zoo=tiny_zoo)
    left = tmp_path / "repository" / "artrt_stylize" / "1" / "model.plan"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"of an older export")
    write_repository(tmp_path / "a", tmp_path / "repository")
    assert [path.name for path in left.parent.iterdir()] == ["model.onnx"]
    assert [path.name for path in (tmp_path / "repository").iterdir()] == ["artrt_stylize"]


def test_a_repository_that_cannot_be_written_is_said(tiny_zoo, tmp_path):
    export_artefact(ExportOptions(model="tiny", verify=False), tmp_path / "a", zoo=tiny_zoo)
    (tmp_path / "repository").write_text("")
    with pytest.raises(OutputError, match="cannot write .*artrt_stylize"):
        write_repository(tmp_path / "a", tmp_path / "repository")


def test_the_repository_has_config_model_and_labels(messages, tiny_zoo, tmp_path):
    stages = (StageChoice("quantize", 8), StageChoice("stylize"))
    export_artefact(ExportOptions(model="tiny", stages=stages, verify=False), tmp_path / "a", zoo=tiny_zoo)
    folders = write_repository(tmp_path / "a", tmp_path / "repository")
    assert [folder.name for folder in folders] == ["artrt_quantize", "artrt_stylize"]
    for folder in folders:
        config = parsed(messages, (folder / "config.pbtxt").read_text())
        assert config.name == folder.name
        assert config.platform == "onnxruntime_onnx"
        assert (folder / "1" / "model.onnx").stat().st_size > 1000
        assert (folder / "labels.txt").read_text() == "starry-night\nudnie\n"


def test_inputs_outputs_and_states_follow_the_contract(messages):
    spec = StageSpec(
        "demo",
        controls={"style": Control((7,)), "strength": Control((), default=1.0)},
        states={"palette": StateTensor((16, 3))},
    )
    config = parsed(
        messages, config_text(spec, name="artrt_demo", platform="tensorrt_plan", styles=["a", "b"])
    )
    shapes = {value.name: (list(value.dims), value.HasField("reshape")) for value in config.input}
    assert shapes == {"frame": ([-1, -1, 3], False), "style": ([7], False), "strength": ([1], False)}
    assert config.input[0].data_type == messages.TYPE_UINT8
    assert [list(value.dims) for value in config.output] == [[-1, -1, 3]]
    state = config.sequence_batching.state[0]
    assert (state.input_name, state.output_name) == ("state.palette", "state.palette.next")
    assert list(state.dims) == list(state.initial_state[0].dims) == [16, 3]
    assert state.initial_state[0].zero_data
    assert config.parameters["styles"].string_value == "a,b"
    assert StageSpec.from_json(config.parameters["artrt.stage"].string_value) == spec
