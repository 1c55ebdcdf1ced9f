from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from artrt.engine.stage_spec import Control, StageSpec, StateTensor
from artrt.export.artefact import export_artefact
from artrt.export.options import ExportOptions, StageChoice
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
    assert shapes == {"frame": ([-1, -1, 3], False), "style": ([7], False), "strength": ([1], True)}
    assert config.input[0].data_type == messages.TYPE_UINT8
    assert [list(value.dims) for value in config.output] == [[-1, -1, 3]]
    state = config.sequence_batching.state[0]
    assert (state.input_name, state.output_name) == ("state.palette", "state.palette.next")
    assert list(state.dims) == [16, 3]
    assert config.parameters["styles"].string_value == "a,b"
    assert StageSpec.from_json(config.parameters["artrt.stage"].string_value) == spec
