"""The native TensorRT session on a fake GPU: order of calls, ownership, graphs, errors. See test_tensorrt_api.py for
the proof that the real bindings have what is called here."""

from __future__ import annotations

import ctypes
import json
import sys
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from artrt.engine import sessions
from artrt.engine.checks import doctor
from artrt.engine.errors import ContractError, IntegrityError, ProviderError, UsageError
from artrt.engine.sessions import open_session, tensorrt, tensorrt_proof
from artrt.engine.sessions import plan as plans
from artrt.engine.sessions.cuda_memory import DeviceTensor
from artrt.engine.sessions.tensorrt_proof import prove_tensorrt
from artrt.engine.stage_spec import METADATA_KEY, StageSpec, StateTensor
from artrt.engine.stages.loading import load_stage
from support.fake_gpu import Context, Driver, Engine, ExecutionContext, Memory, fake_pycuda, fake_tensorrt

SPEC = StageSpec("demo", states={"count": StateTensor((1,))})


class Gpu:
    def __init__(self, monkeypatch):
        self.memory, self.context, self.driver = Memory(), Context(), Driver()
        pycuda = fake_pycuda(self.memory, self.context)
        for name, module in {
            "pycuda": pycuda,
            "pycuda.driver": pycuda.driver,
            "pycuda.tools": pycuda.tools,
            "tensorrt": fake_tensorrt(self.memory, self.driver),
        }.items():
            monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setattr(ctypes, "CDLL", lambda name: self.driver)
        monkeypatch.setattr(tensorrt, "require_cuda_driver", lambda: None)


@pytest.fixture
def gpu(monkeypatch):
    return Gpu(monkeypatch)


def write_plan(folder, **changes):
    path = folder / "demo.plan"
    path.write_bytes(changes.pop("data", b"plan"))
    device = {
        "gpu": "Fake GPU",
        "compute_capability": "8.7",
        "tensorrt": "10.3.0",
        "cuda_driver": "12.6",
        "machine": plans.this_machine(),
    }
    facts = {
        "device": device | changes.pop("device", {}),
        "shapes": {"optimum": [16, 16]},
        "compatible": [],
        "rebuild": "artrt export --format engine --size 16x16",
        "metadata": {METADATA_KEY: SPEC.to_json()},
    }
    plans.write_sidecar(path, facts | changes)
    return path


@pytest.fixture
def stage(gpu, tmp_path):
    with load_stage(write_plan(tmp_path)) as stage:
        yield stage


def test_a_plan_is_loaded_proved_and_run(gpu, stage, picture):
    photo = picture(20, 24)
    assert stage.session.provider == "tensorrt"
    assert np.array_equal(stage(photo), 255 - photo)
    assert gpu.context.depth == 0


def test_states_stay_on_the_device_and_count_up(stage, picture):
    for expected in range(1, 6):
        stage(picture(20, 24, seed=expected))
        assert stage.session.to_host(stage._states["count"])[0] == expected
    stage.reset()
    stage(picture(20, 24))
    assert stage.session.to_host(stage._states["count"])[0] == 1


def test_an_output_stays_valid_during_the_next_run(stage, picture):
    session, state = stage.session, stage.session.to_device(np.zeros(1, np.float32))
    first = session.run_on_device({"frame": session.to_device(picture(20, 24)), "state.count": state})
    before = session.to_host(first["output"])
    second = session.run_on_device({"frame": first["output"], "state.count": first["state.count.next"]})
    assert np.array_equal(session.to_host(first["output"]), before)
    assert np.array_equal(session.to_host(second["output"]), picture(20, 24))
    assert session.to_host(second["state.count.next"])[0] == 2


def test_graphs_are_captured_once_and_replayed(gpu, stage):
    session = stage.session
    frame = session.to_device(np.zeros((16, 16, 3), np.uint8))
    state = session.to_device(np.zeros(1, np.float32))
    for _ in range(6):
        session.run_on_device({"frame": frame, "state.count": state})
    assert gpu.driver.launches == 4  # two sets of outputs were captured in the first two runs
    allocations = gpu.memory.allocations
    session.run_on_device({"frame": frame, "state.count": state})
    assert gpu.memory.allocations == allocations


def test_an_engine_that_cannot_be_captured_runs_all_the_same(gpu, tmp_path, picture):
    gpu.driver.can_capture = False
    with load_stage(write_plan(tmp_path)) as stage:
        for _ in range(4):
            assert np.array_equal(stage(picture(20, 24)), 255 - picture(20, 24))
    assert gpu.driver.launches == 0
    assert gpu.driver.begun == 1


def test_sizes_may_change_within_the_profile(stage, picture):
    for size in ((20, 24), (30, 8), (64, 64), (20, 24)):
        assert np.array_equal(stage(picture(*size)), 255 - picture(*size))
    with pytest.raises(UsageError, match=r"built for \[8, 8, 3\] to \[64, 64, 3\]"):
        stage(picture(65, 20))


def test_tensors_of_other_programs_are_taken(gpu, stage, picture):
    session = stage.session
    own = session.to_device(picture(20, 24))

    class Foreign:
        __cuda_array_interface__ = own.__cuda_array_interface__ | {"stream": 1}

    waits = gpu.context.waits
    results = session.run_on_device(
        {"frame": Foreign(), "state.count": session.to_device(np.zeros(1, np.float32))}
    )
    assert np.array_equal(session.to_host(results["output"]), 255 - picture(20, 24))
    assert gpu.context.waits == waits + 1
    assert results["output"].__cuda_array_interface__["shape"] == (20, 24, 3)


def test_numbers_go_in_as_vectors_of_one_element(gpu, monkeypatch, tmp_path, picture):
    with load_stage(write_plan(tmp_path)) as stage:
        results = stage.session.run({"frame": picture(20, 24), "state.count": np.array(4, np.float32)})
    assert results["state.count.next"].tolist() == [5.0]


def test_errors_of_the_driver_are_said_in_one_line(gpu, stage, picture, monkeypatch):
    used_up = sys.modules["pycuda.driver"].Error("cuMemAlloc failed: out of memory")

    def allocate(size):
        raise used_up

    monkeypatch.setattr(gpu.memory, "allocate", allocate)
    monkeypatch.setattr(stage.session._memory, "_pool", gpu.memory)
    with pytest.raises(ProviderError, match="the GPU failed: cuMemAlloc failed: out of memory"):
        stage(picture(40, 44))
    assert gpu.context.depth == 0


def test_tensors_that_cannot_be_taken_are_refused(stage):
    interface = {"shape": (4, 4), "typestr": "|u1", "data": (1, False), "strides": (8, 1), "version": 3}
    scattered = type("Scattered", (), {"__cuda_array_interface__": interface})()
    with pytest.raises(ContractError, match="contiguous"):
        DeviceTensor.of(scattered)
    with pytest.raises(ContractError, match="not a GPU tensor"):
        DeviceTensor.of(np.zeros(3))
    with pytest.raises(ContractError, match="inputs are"):
        stage.session.run_on_device({"frame": 1})


def test_a_closed_session_says_so(stage, picture):
    stage.close()
    stage.close()
    with pytest.raises(RuntimeError, match="closed"):
        stage.session.run_on_device({})


@pytest.mark.parametrize(
    ("device", "match"),
    [
        ({"gpu": "Other GPU"}, "gpu Other GPU there, Fake GPU here"),
        ({"compute_capability": "7.2"}, "compute_capability 7.2 there"),
        ({"tensorrt": "11.4.0"}, "tensorrt 11.4.0 there, 10.3.0 here"),
        ({"machine": "vax"}, "machine vax there"),
    ],
)
def test_an_engine_of_another_machine_is_refused_with_the_command_that_rebuilds_it(
    gpu, tmp_path, device, match
):
    with pytest.raises(ProviderError, match=match) as caught:
        open_session(write_plan(tmp_path, device=device))
    assert "artrt export --format engine --size 16x16" in str(caught.value)


def test_compatible_engines_may_move(gpu, tmp_path):
    there = {"gpu": "Other GPU", "compute_capability": "8.0", "tensorrt": "10.1.0"}
    open_session(write_plan(tmp_path, device=there, compatible=["hardware", "version"])).close()


def test_a_newer_driver_is_no_other_machine(gpu, tmp_path):
    open_session(write_plan(tmp_path, device={"cuda_driver": "12.0"})).close()


def test_a_changed_plan_or_sidecar_is_refused(gpu, tmp_path):
    path = write_plan(tmp_path)
    path.write_bytes(b"plan2")
    with pytest.raises(IntegrityError, match="does not match its sidecar"):
        open_session(path)
    plans.sidecar_path(path).write_text("{}")
    with pytest.raises(IntegrityError, match="unreadable"):
        open_session(path)


@pytest.mark.parametrize(
    "change",
    [
        {"device": None},
        {"metadata": {METADATA_KEY: 3}},
        {"shapes": {"optimum": [16]}},
        {"shapes": []},
        {"compatible": "hardware"},
    ],
)
def test_a_sidecar_that_says_something_else_is_refused(gpu, tmp_path, change):
    path = write_plan(tmp_path)
    said = json.loads(plans.sidecar_path(path).read_text())
    plans.sidecar_path(path).write_text(json.dumps(said | change))
    with pytest.raises(IntegrityError, match="unreadable .*: export the engine again"):
        open_session(path)


@pytest.mark.parametrize("missing", ["device", "metadata", "shapes", "plan_sha256"])
def test_a_sidecar_that_lacks_something_is_refused(gpu, tmp_path, missing):
    path = write_plan(tmp_path)
    said = json.loads(plans.sidecar_path(path).read_text())
    del said[missing]
    plans.sidecar_path(path).write_text(json.dumps(said))
    with pytest.raises(IntegrityError, match=f"missing required field `{missing}`"):
        open_session(path)


def test_a_sidecar_of_another_artrt_or_too_deep_is_refused(gpu, tmp_path):
    path = write_plan(tmp_path)
    plans.sidecar_path(path).write_text('{"sidecar": 2}')
    with pytest.raises(IntegrityError, match="another version of artrt"):
        open_session(path)
    plans.sidecar_path(path).write_text('{"a":' * 100_000)
    with pytest.raises(IntegrityError, match="unreadable"):
        open_session(path)


def test_a_plan_that_tensorrt_does_not_load_is_a_provider_error(gpu, tmp_path):
    with pytest.raises(ProviderError, match="could not load"):
        open_session(write_plan(tmp_path, data=b"other"))


def test_missing_packages_are_named(gpu, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(ProviderError, match=r"artrt\[tensorrt\]"):
        open_session(write_plan(tmp_path))


class CopyEngine(Engine):
    """What the proof builds: copied = given."""

    tensors: ClassVar = {"given": ("FLOAT", (64,), True), "copied": ("FLOAT", (64,), False)}
    error = 0.0

    def create_execution_context(self):
        return CopyContext(self)


class CopyContext(ExecutionContext):
    def get_tensor_shape(self, name):
        return (64,)

    def execute_async_v3(self, stream):
        view, addresses = self.engine.memory.view, dict(self.addresses)

        def call():
            given = view(addresses["given"], (64,), "float32")
            view(addresses["copied"], (64,), "float32")[:] = given + self.engine.error

        self.engine.driver.do(call)
        return True


@pytest.fixture
def builder(gpu, monkeypatch):
    """A TensorRT that builds `CopyEngine`, and what was asked of it."""
    trt, asked = sys.modules["tensorrt"], SimpleNamespace(calls=[], plan=b"copy")
    network = SimpleNamespace(
        add_input=lambda name, kind, shape: asked.calls.append((name, kind, shape)) or "given",
        add_identity=lambda tensor: SimpleNamespace(get_output=lambda index: asked),
        mark_output=lambda tensor: asked.calls.append(tensor.name),
    )
    trt.Builder = lambda logger: SimpleNamespace(
        create_network=lambda flags: asked.calls.append(flags) or network,
        create_builder_config=lambda: "config",
        build_serialized_network=lambda built, config: asked.plan,
    )
    trt.NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)
    trt.DataType = SimpleNamespace(FLOAT="float")
    trt.Runtime = lambda logger: SimpleNamespace(
        deserialize_cuda_engine=lambda plan: CopyEngine(gpu.memory, gpu.driver, trt.TensorIOMode)
    )
    monkeypatch.setattr(tensorrt_proof, "require_cuda_driver", lambda: None)
    return asked


def test_tensorrt_is_proved_by_an_engine_of_one_layer(gpu, builder):
    assert prove_tensorrt() == "TensorRT 10.3.0 on Fake GPU"
    assert builder.calls == [2, ("given", "float", (64,)), "copied"]
    assert gpu.context.depth == 0


def test_a_tensorrt_that_builds_nothing_or_nonsense_is_refused(builder, monkeypatch):
    monkeypatch.setattr(CopyEngine, "error", 1.0)
    with pytest.raises(ProviderError, match="computed a wrong result on Fake GPU"):
        prove_tensorrt()
    builder.plan = None
    with pytest.raises(ProviderError, match="could not build an engine on Fake GPU"):
        prove_tensorrt()


def test_the_doctor_is_content_with_native_tensorrt_alone(builder, monkeypatch):
    def no_onnxruntime(path, *, provider):
        raise ProviderError("onnxruntime is not installed")

    monkeypatch.setattr(sessions, "open_session", no_onnxruntime)
    finding = doctor.provider("tensorrt")
    assert (finding.status, finding.name) == (doctor.OK, "provider tensorrt")
    assert finding.detail.startswith("TensorRT 10.3.0 on Fake GPU runs engines of artrt export")
    assert "onnxruntime is not installed" in finding.detail
    assert doctor.provider("cuda").status == doctor.BROKEN
    builder.plan = None
    assert "could not build" in doctor.provider("tensorrt").detail
