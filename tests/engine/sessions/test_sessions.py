from __future__ import annotations

import json
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest

from artrt.engine import sessions
from artrt.engine.errors import ArtrtError, ContractError, InputError, ProviderError, UsageError
from artrt.engine.sessions import (
    BACKENDS,
    DeviceSession,
    FakeSession,
    Session,
    SessionOptions,
    TensorInfo,
    machine,
    open_session,
    resolve_provider,
)
from artrt.engine.sessions import onnxruntime as backend
from artrt.engine.sessions.onnxruntime_proof import require_active, require_no_fallback, where_nodes_ran
from artrt.engine.sessions.probe import agrees, probe_feeds, prove
from artrt.engine.stage_spec import StageSpec
from support.models import (
    COUNT,
    COUNT_SPEC,
    INVERT,
    INVERT_SPEC,
    PAINT,
    PAINT_SPEC,
    model_from_text,
    write_model,
)


@pytest.fixture
def invert(tmp_path):
    return write_model(tmp_path / "invert.onnx", INVERT, INVERT_SPEC)


def test_cpu_session_runs(invert, picture):
    with open_session(invert, provider="cpu", threads=1) as session:
        image = picture(5, 6)
        assert np.array_equal(session.run({"frame": image})["output"], 255 - image)
        assert session.inputs == {"frame": TensorInfo("frame", "uint8", ("H", "W", 3))}
        assert session.metadata["artrt.stage"] == INVERT_SPEC.to_json()
        assert (session.provider, session.reason) == ("cpu", "cpu was requested")


def test_sessions_keep_the_protocol(invert):
    with open_session(invert, provider="cpu") as session:
        assert isinstance(session, Session)
        assert isinstance(session, DeviceSession)
    assert isinstance(FakeSession(lambda feeds: {}), Session)


def test_closed_session_says_so(invert, picture):
    session = open_session(invert, provider="cpu")
    session.close()
    session.close()
    with pytest.raises(RuntimeError, match="this session is closed"):
        session.run({"frame": picture(4, 4)})


def test_bound_tensors_stay_valid_and_equal(tmp_path):
    """IO binding on the CPU: the same code as on a GPU, with other addresses."""
    path = write_model(tmp_path / "count.onnx", COUNT, COUNT_SPEC)
    with open_session(path, provider="cpu") as session:
        assert session.device == "ortvalue:cpu:0"
        frame = session.to_device(np.zeros((2, 2, 3), np.uint8))
        state = session.to_device(np.zeros(1, np.float32))
        for expected in range(3):
            results = session.run_on_device({"frame": frame, "state.count": state})
            state = results["state.count.next"]
            assert session.to_host(results["output"]).max() == expected
        assert session.to_host(frame).max() == 0


def test_a_tensor_on_a_device_is_a_copy(invert):
    with open_session(invert, provider="cpu") as session:
        array = np.zeros((2, 2, 3), np.uint8)
        tensor = session.to_device(array)
        array[:] = 9
        host = session.to_host(tensor)
        assert host.max() == 0
        host[:] = 7
        assert session.to_host(tensor).max() == 0


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_number_goes_to_the_device_as_a_number(invert, monkeypatch, device):
    import onnxruntime

    sent = []
    fake = types.SimpleNamespace(ortvalue_from_numpy=lambda array, device, index: sent.append(array))
    monkeypatch.setattr(onnxruntime, "OrtValue", fake)
    with open_session(invert, provider="cpu") as session:
        session._device_type = device
        session.to_device(np.array(1, np.float32))
        session.to_device(np.zeros((4, 2, 3), np.uint8)[::2])
    assert [array.shape for array in sent] == [(), (2, 2, 3)]
    assert sent[1].flags.c_contiguous


def test_auto_takes_what_works_and_says_why(invert, monkeypatch):
    monkeypatch.setitem(BACKENDS, "openvino", "refusing")
    module = types.ModuleType("artrt.engine.sessions.refusing")
    module.open_model = _refuse
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with open_session(invert, steady=True) as session:
        assert session.provider in ("cpu", "cuda")
        if session.provider == "cpu":
            assert session.reason.startswith("chosen automatically; not cuda: ")
            assert session.reason.endswith("not openvino: it is not installed")


def _refuse(path, provider, options):
    raise ProviderError("it is not installed; pip install it")


@pytest.mark.parametrize("name", ["openvino", "cuda"])
def test_auto_leaves_a_backend_whose_picture_differs(invert, monkeypatch, name):
    spoiled = FakeSession.from_spec(lambda feeds: {"output": feeds["frame"]}, INVERT_SPEC)
    module = types.ModuleType("artrt.engine.sessions.spoiled")
    module.open_model = lambda path, provider, options: spoiled
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(BACKENDS, name, "spoiled")
    monkeypatch.setattr(sessions, "AUTO_ORDER_STEADY", (name, "cpu"))
    with open_session(invert, steady=True) as session:
        assert f"not {name}: its picture differs from the CPU's (PSNR" in session.reason
    assert spoiled.closed


def test_cuda_computes_in_fp32():
    assert backend._provider_settings("cuda")["use_tf32"] == "0"


def test_auto_compiles_nothing_for_single_pictures(invert, monkeypatch):
    monkeypatch.setitem(BACKENDS, "openvino", "must-not-be-imported")
    with open_session(invert) as session:
        assert "openvino" not in session.reason


def test_environment_names_the_provider(monkeypatch):
    monkeypatch.setenv("ARTRT_PROVIDER", "cuda")
    assert resolve_provider("auto") == "cuda"
    assert resolve_provider("cpu") == "cpu"
    monkeypatch.setenv("ARTRT_PROVIDER", "gpu")
    with pytest.raises(UsageError, match="unknown provider 'gpu'"):
        resolve_provider("auto")


def test_missing_model(tmp_path):
    with pytest.raises(InputError, match="no model file"):
        open_session(tmp_path / "no.onnx")


def test_text_named_onnx(tmp_path):
    (tmp_path / "a.onnx").write_text("not a model")
    with pytest.raises(ContractError, match=r"a.onnx: not a valid ONNX model: "):
        open_session(tmp_path / "a.onnx", provider="cpu")


def test_engine_on_another_provider_is_refused(tmp_path):
    (tmp_path / "a.plan").touch()
    with pytest.raises(UsageError, match="a.plan is a TensorRT engine and cannot run on provider 'cpu'"):
        open_session(tmp_path / "a.plan", provider="cpu")


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_named_gpu_without_driver_is_an_error_at_once(invert, provider, monkeypatch):
    monkeypatch.setattr(machine.ctypes, "CDLL", _no_library)
    started = time.monotonic()
    with pytest.raises(ProviderError, match=r"no NVIDIA driver \(libcuda.so.1 .*; install it"):
        open_session(invert, provider=provider)
    assert time.monotonic() - started < 3


def _no_library(name, mode=0):
    raise OSError(f"{name}: cannot open shared object file: No such file or directory")


def test_driver_without_gpu(monkeypatch):
    driver = types.SimpleNamespace(cuInit=lambda flags: 100)
    monkeypatch.setattr(machine.ctypes, "CDLL", lambda name, mode=0: driver)
    with pytest.raises(ProviderError, match=r"sees no GPU \(cuInit status 100\)"):
        machine.require_cuda_driver()


def test_wheel_without_cuda(invert, monkeypatch):
    import onnxruntime

    monkeypatch.setattr("artrt.engine.sessions.onnxruntime_proof.require_cuda_driver", lambda: None)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(
        ProviderError, match=r"has no CUDAExecutionProvider; pip uninstall -y onnxruntime && pip install"
    ):
        open_session(invert, provider="cuda")


def test_both_wheels_at_once(monkeypatch):
    monkeypatch.setattr(machine.importlib.metadata, "version", lambda name: "1.20")
    assert machine.installed_onnxruntimes() == ["onnxruntime", "onnxruntime-gpu"]
    with pytest.raises(ProviderError, match="onnxruntime and onnxruntime-gpu are both installed"):
        machine.require_one_onnxruntime()


def test_silent_fall_back_names_the_library(monkeypatch):
    monkeypatch.setattr(machine.ctypes, "CDLL", _no_library)
    with pytest.raises(
        ProviderError, match=r"CUDAExecutionProvider cannot be started: .*cannot open shared object"
    ):
        require_active(["CPUExecutionProvider"], "cuda")


def trace(*nodes):
    return [{"cat": "Session", "name": "load"}] + [
        {
            "cat": "Node",
            "name": f"{index}_{kind}_kernel_time",
            "args": {"op_name": kind, "provider": provider},
        }
        for index, (kind, provider) in enumerate(nodes)
    ]


def write_trace(path, *nodes):
    path.write_text(json.dumps(trace(*nodes)))
    return path


CUDA, CPU, TENSORRT = "CUDAExecutionProvider", "CPUExecutionProvider", "TensorrtExecutionProvider"


def test_trace_tells_where_nodes_ran():
    places = where_nodes_ran(trace(("Conv", CUDA), ("Shape", CPU), ("Shape", CPU)))
    assert places == {CUDA: {"Conv": 1}, CPU: {"Shape": 2}}


HEAVY = ["Conv", "MatMul", "Resize", "QLinearConv", "QGemm", "ConvInteger", "Einsum", "LayerNormalization"]


@pytest.mark.parametrize("kind", HEAVY)
@pytest.mark.parametrize(("provider", "place"), [("cuda", CUDA), ("tensorrt", TENSORRT)])
def test_heavy_node_on_the_cpu_fails_a_gpu(tmp_path, kind, provider, place):
    path = write_trace(tmp_path / "trace.json", ("Relu", place), (kind, CPU))
    with pytest.raises(
        ProviderError, match=f"{provider} ran 1 nodes, CPUExecutionProvider 1 {kind}; use another"
    ):
        require_no_fallback(path, provider)


LIGHT = [
    "Shape",
    "Gather",
    "Concat",
    "Cast",
    "Mul",
    "Slice",
    "Unsqueeze",
    "ReduceMax",
    "ReduceProd",
    "Range",
    "If",
]


@pytest.mark.parametrize("kind", LIGHT)
def test_arithmetic_of_shapes_is_not_heavy(tmp_path, kind):
    require_no_fallback(write_trace(tmp_path / "trace.json", ("Conv", CUDA), (kind, CPU)), "cuda")


def test_provider_that_runs_nothing_fails(tmp_path):
    path = write_trace(tmp_path / "trace.json", ("Shape", CPU))
    with pytest.raises(ProviderError, match="cuda ran 0 nodes, CPUExecutionProvider 1 Shape"):
        require_no_fallback(path, "cuda")


def test_shape_arithmetic_on_the_cpu_is_fine(tmp_path):
    path = write_trace(tmp_path / "trace.json", ("Conv", CUDA), ("Shape", CPU))
    assert (
        require_no_fallback(path, "cuda")
        == "cuda was requested; it runs 1 nodes, CPUExecutionProvider 1 Shape"
    )


def test_tensorrt_may_leave_nodes_to_cuda(tmp_path):
    path = write_trace(tmp_path / "trace.json", ("TRTKernel", TENSORRT), ("Conv", CUDA))
    assert require_no_fallback(path, "tensorrt").endswith("it runs 1 nodes, CUDAExecutionProvider 1 Conv")


def test_real_profile_can_be_read(invert, tmp_path):
    """The proof reads ONNX Runtime's own trace: its format is checked on the CPU provider."""
    native = backend._load(invert, "cpu", SessionOptions(threads=1), profile=tmp_path / "trace")
    session = backend.OnnxRuntimeSession(native, provider="cpu")
    session.run(probe_feeds(session))
    line = require_no_fallback(Path(native.end_profiling()), "cpu")
    assert line == "cpu was requested; it runs 1 nodes"


MEANINGS = {
    "NoSuchFile": InputError,
    "NoModel": InputError,
    "InvalidProtobuf": ContractError,
    "InvalidGraph": ContractError,
    "InvalidArgument": ContractError,
    "NotImplemented": ProviderError,
    "EPFail": ProviderError,
    "EngineError": ProviderError,
    "DeviceReset": ProviderError,
}


def test_every_error_of_onnxruntime_is_translated():
    from onnxruntime.capi import onnxruntime_pybind11_state as native

    kinds = [kind for kind in vars(native).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) > 8
    for kind in kinds:
        expected = MEANINGS.get(kind.__name__, ArtrtError)
        with pytest.raises(ArtrtError, match="boom") as caught, backend.translated_errors():
            raise kind("boom")
        assert type(caught.value) is expected


def test_other_errors_pass_through():
    with pytest.raises(KeyError, match="boom"), backend.translated_errors():
        raise KeyError("boom")


def test_wrong_input_is_translated(invert):
    with (
        open_session(invert, provider="cpu") as session,
        pytest.raises(ContractError, match="called wrongly"),
    ):
        session.run({"frame": np.zeros((2, 2), np.uint8)})


def test_probe_fits_every_kind_of_stage(tmp_path):
    for text, spec in ((INVERT, INVERT_SPEC), (PAINT, PAINT_SPEC), (COUNT, COUNT_SPEC)):
        with open_session(write_model(tmp_path / "a.onnx", text, spec), provider="cpu") as session:
            feeds = probe_feeds(session, size=(30, 40))
            assert feeds["frame"].shape == (30, 40, 3)
            assert feeds["frame"].std() > 20
            session.run(feeds)


def test_probe_keeps_fixed_sizes(tmp_path):
    import onnx

    fixed = INVERT.replace("[H, W, 3]", "[24, 32, 3]")
    onnx.save(model_from_text(fixed), tmp_path / "a.onnx")
    with open_session(tmp_path / "a.onnx", provider="cpu", size=(48, 64)) as session:
        assert probe_feeds(session, size=(48, 64))["frame"].shape == (24, 32, 3)


def test_agreement_is_measured_on_pictures():
    image = np.full((4, 4, 3), 100, np.uint8)
    assert agrees({"output": image + 1}, {"output": image}) is None
    assert "PSNR 28.1 dB" in str(agrees({"output": image + 10}, {"output": image}))
    assert (
        agrees({"output": image[:2]}, {"output": image})
        == "output 'output' is [2, 4, 3] instead of [4, 4, 3]"
    )


def test_agreement_is_measured_on_masks():
    mask = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    assert agrees({"mask": mask + np.float32(1e-3)}, {"mask": mask}) is None
    assert "its mask differs from the CPU's (PSNR 20.0 dB" in str(
        agrees({"mask": mask + np.float32(0.1)}, {"mask": mask})
    )
    assert "its mask differs" in str(agrees({"mask": mask * np.nan}, {"mask": mask}))
    assert agrees({"state.count.next": mask + 5}, {"state.count.next": mask}) is None
    labels = mask.astype(np.int32)
    assert agrees({"labels": labels + 1}, {"labels": labels}) is None


def test_a_provider_whose_mask_is_no_number_is_refused():
    spec = StageSpec("saliency", output="mask")
    broken = FakeSession.from_spec(lambda feeds: {"mask": np.full((3, 4), np.nan, np.float32)}, spec)
    with pytest.raises(ProviderError, match="fake computes 'mask' wrongly here"):
        prove(broken)


def test_fake_session_checks_its_inputs():
    session = FakeSession(lambda feeds: {"output": feeds["frame"]})
    with pytest.raises(ValueError, match="inputs are"):
        session.run({"picture": np.zeros(1)})


@pytest.mark.gpu
def test_cuda_agrees_with_the_cpu(tmp_path, picture):
    path = write_model(tmp_path / "paint.onnx", PAINT, PAINT_SPEC)
    with open_session(path, provider="cuda") as cuda, open_session(path, provider="cpu") as cpu:
        feeds = probe_feeds(cpu, size=(64, 64))
        assert agrees(cuda.run(feeds), cpu.run(feeds)) is None
        handles = {name: cuda.to_device(array) for name, array in feeds.items()}
        assert np.array_equal(cuda.to_host(cuda.run_on_device(handles)["output"]), cuda.run(feeds)["output"])


@pytest.mark.parametrize(
    "way", ["../secret.bin", "{outside}/secret.bin", "folder/secret.bin", "link.bin", "own.bin"]
)
def test_weights_beside_a_model_stay_in_its_folder(tmp_path, way):
    """A model that names another file as its weights could show that file's content in its output."""
    onnx = pytest.importorskip("onnx")
    inside = tmp_path / "in"
    inside.mkdir()
    for path in (tmp_path / "secret.bin", inside / "own.bin"):
        np.full(3, 7, np.float32).tofile(path)
    (inside / "folder").symlink_to(tmp_path)
    (inside / "link.bin").symlink_to(tmp_path / "secret.bin")
    kind = onnx.TensorProto
    weights = kind(name="w", data_type=kind.FLOAT, dims=[3], data_location=kind.EXTERNAL)
    weights.external_data.add(key="location", value=way.format(outside=tmp_path))
    x, y = (onnx.helper.make_tensor_value_info(name, kind.FLOAT, [3]) for name in "xy")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["x", "w"], ["y"])], "g", [x], [y], [weights]
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    (inside / "m.onnx").write_bytes(model.SerializeToString())
    if way == "own.bin":
        with open_session(inside / "m.onnx", provider="cpu") as session:
            assert session.run({"x": np.zeros(3, np.float32)})["y"].tolist() == [7, 7, 7]
    else:
        with pytest.raises(ArtrtError, match=r"External data path|not allowed"):
            open_session(inside / "m.onnx", provider="cpu")


def test_a_model_of_an_old_opset_runs(tmp_path):
    onnx = pytest.importorskip("onnx")
    x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [3]) for name in "xy")
    graph = onnx.helper.make_graph([onnx.helper.make_node("Neg", ["x"], ["y"])], "g", [x], [y])
    opset = onnx.helper.make_opsetid("", 8)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=3), tmp_path / "old.onnx")
    with open_session(tmp_path / "old.onnx", provider="cpu") as session:
        assert session.run({"x": np.arange(3, dtype=np.float32)})["y"].tolist() == [0, -1, -2]
