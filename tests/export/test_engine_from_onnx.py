"""The engine builder with a fake TensorRT: what it asks for, in which order, and how it fails."""

from __future__ import annotations

import ctypes
import itertools
import json
import shlex
import shutil
import subprocess
import sys
import types
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from artrt.cli import main
from artrt.engine.errors import ContractError, IntegrityError, ParityError, ProviderError, UsageError
from artrt.engine.files import cache_folder
from artrt.engine.sessions import open_session
from artrt.engine.sessions.plan import read_sidecar, sidecar_path
from artrt.engine.zoo.artefact import Artefact
from artrt.engine.zoo.zoo import SHIPPED
from artrt.export import engine_from_onnx as module
from artrt.export import engine_parity, selftest
from artrt.export import engines_of_artefact as maker
from artrt.export.artefact import export_artefact
from artrt.export.batch import batched
from artrt.export.engine_from_onnx import BuildOptions, engine_from_onnx, profile_shapes
from artrt.export.engine_parity import check_engine
from artrt.export.engines_of_artefact import engines_of_artefact
from artrt.export.fuse import spec_of
from artrt.export.onnx_from_slic import onnx_from_slic
from artrt.export.onnx_from_transformer import onnx_from_transformer
from artrt.export.options import ExportOptions, Shapes, StageChoice
from artrt.export.parity import Parity
from artrt.export.triton import write_repository
from support.fake_gpu import Context, Driver, Memory, fake_pycuda

DYNAMIC = Shapes.of(dynamic="64x48:128x96:256x192")


class Fault:
    def node_operator(self):
        return "Conv"

    def node_name(self):
        return "Conv_12"

    def desc(self):
        return "kernel weights must be an initializer"


class FakeTensorRt(types.ModuleType):
    """Records what it is asked for."""

    def __init__(self, version="10.3.0", *, strongly_typed=True, faults=(), plan=b"plan"):
        super().__init__("tensorrt")
        self.__version__ = version
        self.asked = asked = {"flags": [], "shapes": {}, "phases": []}
        self.NetworkDefinitionCreationFlag = types.SimpleNamespace(
            **({"STRONGLY_TYPED": 1} if strongly_typed else {})
        )
        self.MemoryPoolType = types.SimpleNamespace(WORKSPACE="workspace")
        self.BuilderFlag = types.SimpleNamespace(TF32="tf32", VERSION_COMPATIBLE="version")
        self.HardwareCompatibilityLevel = types.SimpleNamespace(AMPERE_PLUS="ampere+")
        severity = types.SimpleNamespace(ERROR="error", INTERNAL_ERROR="internal")
        self.ILogger = type("ILogger", (), {"Severity": severity})
        self.IProgressMonitor = type("IProgressMonitor", (), {})

        class Cache:
            def __init__(self, data):
                self.data = data

            def serialize(self):
                return self.data + b"!"

        class Config:
            def set_memory_pool_limit(self, pool, size):
                asked[pool] = size

            def clear_flag(self, flag):
                asked["flags"].append(f"not {flag}")

            def set_flag(self, flag):
                asked["flags"].append(flag)

            def add_optimization_profile(self, profile):
                asked["profile"] = profile

            def create_timing_cache(self, data):
                asked["cache"] = data
                return None if data == b"damaged" else Cache(data)

            def set_timing_cache(self, cache, ignore_mismatch):
                self.cache = cache

            def get_timing_cache(self):
                return self.cache

        class Builder:
            def __init__(self, logger):
                self.logger = logger

            def create_network(self, flags):
                asked["network"] = flags

            def create_builder_config(self):
                return Config()

            def create_optimization_profile(self):
                return types.SimpleNamespace(
                    set_shape=lambda name, *sizes: asked["shapes"].update({name: sizes})
                )

            def build_serialized_network(self, network, config):
                asked["hardware"] = getattr(config, "hardware_compatibility_level", None)
                config.progress_monitor.phase_start("Building", None, 2)
                assert config.progress_monitor.step_complete("Building", 0) is True
                config.progress_monitor.phase_finish("Building")
                if plan is None:
                    self.logger.log("error", "out of tactics")
                return plan

        class OnnxParser:
            num_errors = len(faults)

            def __init__(self, network, logger):
                pass

            def parse(self, model):
                asked["model"] = model
                return not faults

            def get_error(self, index):
                return faults[index]

        self.Builder, self.OnnxParser = Builder, OnnxParser


@pytest.fixture
def install(monkeypatch):
    def put(trt):
        pycuda = fake_pycuda(Memory(), Context())
        modules = {
            "pycuda": pycuda,
            "pycuda.driver": pycuda.driver,
            "pycuda.tools": pycuda.tools,
            "tensorrt": trt,
        }
        for name, value in modules.items():
            monkeypatch.setitem(sys.modules, name, value)
        monkeypatch.setattr(ctypes, "CDLL", lambda name: Driver())
        monkeypatch.setattr(module, "require_cuda_driver", lambda: None)
        return trt.asked

    return put


@pytest.fixture(scope="module")
def model(transformer):
    return onnx_from_transformer(transformer, branch=False)


@pytest.mark.parametrize(("version", "typed", "flags"), [("10.3.0", True, 2), ("12.0", False, 0)])
def test_the_network_is_strongly_typed_where_that_must_be_said(
    install, model, tmp_path, version, typed, flags
):
    asked = install(FakeTensorRt(version, strongly_typed=typed))
    engine_from_onnx(model, tmp_path / "a.plan", BuildOptions(DYNAMIC))
    assert asked["network"] == flags
    assert asked["flags"] == ["not tf32"]


def test_options_reach_the_builder_and_the_sidecar(install, model, tmp_path):
    asked = install(FakeTensorRt())
    build = BuildOptions(DYNAMIC, workspace_gib=2.0, hardware_compatible=True, version_compatible=True)
    steps = []
    engine_from_onnx(model, tmp_path / "a.plan", build, progress=lambda *step: steps.append(step))
    sidecar = read_sidecar(tmp_path / "a.plan")
    assert asked["workspace"] == 2 << 30
    assert asked["hardware"] == "ampere+"
    assert asked["flags"] == ["not tf32", "version"]
    assert steps == [("Building", 0, 2), ("Building", 1, 2), ("Building", 2, 2)]
    assert sidecar.compatible == ("hardware", "version")
    assert sidecar.device.gpu == "Fake GPU"
    assert sidecar.shapes["optimum"] == (96, 128)


def test_timings_are_kept_for_the_next_build(install, model, tmp_path):
    for expected in (b"", b"!"):
        asked = install(FakeTensorRt())
        engine_from_onnx(model, tmp_path / "a.plan", BuildOptions(DYNAMIC))
        assert asked["cache"] == expected
    assert len(list(cache_folder("tensorrt").iterdir())) == 1


def test_the_command_that_rebuilds_an_engine_is_complete():
    options = ExportOptions(
        model="tiny",
        format="engine",
        precision="int8",
        calibration=Path("photos"),
        styles=("udnie", "starry-night"),
        stages=(StageChoice("superpixels", 90), StageChoice("stylize")),
        shapes=Shapes.of(size="64x48"),
        saliency=True,
        fuse=True,
    )
    assert BuildOptions.of(options).rebuild == (
        "artrt export --model tiny --format engine --precision int8 --size 64x48 --stages superpixels:90,stylize "
        "--styles udnie,starry-night --calibration photos --fuse --saliency"
    )
    assert "--batch 4" in BuildOptions.of(ExportOptions(model="tiny", batch=4)).rebuild


def test_the_command_that_rebuilds_an_engine_keeps_what_concerns_the_builder():
    options = ExportOptions(
        model="tiny", format="engine", workspace_gib=2.5, hardware_compatible=True, version_compatible=True
    )
    rebuild = BuildOptions.of(options).rebuild
    assert rebuild.endswith("--workspace 2.5 --hardware-compatible --version-compatible")
    command = main.cli.get_command(None, "export")
    parsed = command.make_context("export", shlex.split(rebuild)[2:]).params
    assert (parsed["workspace"], parsed["hardware_compatible"], parsed["version_compatible"]) == (
        2.5,
        True,
        True,
    )


@pytest.mark.parametrize("largest", [(64, 64), (95, 400), (1080, 1920)])
def test_the_best_mask_is_no_larger_than_the_largest(install, model, largest):
    shapes = Shapes((8, 8), (16, 16), largest)
    smallest, best, most = profile_shapes(model, spec_of(model), shapes)["mask"]
    assert all(low <= middle <= high for low, middle, high in zip(smallest, best, most, strict=True))
    assert best == (min(96, largest[0]), min(160, largest[1]))


def test_a_damaged_timing_cache_is_replaced(install, model, tmp_path):
    install(FakeTensorRt())
    engine_from_onnx(model, tmp_path / "a.plan", BuildOptions(DYNAMIC))
    (path,) = cache_folder("tensorrt").iterdir()
    path.write_bytes(b"damaged")
    install(FakeTensorRt())
    engine_from_onnx(model, tmp_path / "a.plan", BuildOptions(DYNAMIC))
    assert path.read_bytes() == b"!"


def test_profiles_cover_frame_and_mask(install, model, tmp_path):
    asked = install(FakeTensorRt())
    engine_from_onnx(model, tmp_path / "a.plan", BuildOptions(DYNAMIC))
    assert asked["shapes"]["frame"] == ((48, 64, 3), (96, 128, 3), (192, 256, 3))
    assert asked["shapes"]["mask"] == ((1, 1), (96, 160), (192, 256))


def test_profiles_of_states_grow_with_the_frame():
    model = onnx_from_slic()
    shapes = profile_shapes(model, spec_of(model), DYNAMIC)
    for name, sizes in shapes.items():
        assert len(sizes) == 3, name
        assert all(np.less_equal(low, high).all() for low, high in itertools.pairwise(sizes)), name


def test_the_parsers_errors_name_the_nodes(install, model, tmp_path):
    install(FakeTensorRt(faults=[Fault()]))
    with pytest.raises(ContractError, match="Conv 'Conv_12': kernel weights"):
        engine_from_onnx(model, tmp_path / "a.plan", BuildOptions(DYNAMIC))
    assert list(tmp_path.glob("*.plan*")) == []


def test_a_failed_build_gives_tensorrts_reason(install, model, tmp_path):
    install(FakeTensorRt(plan=None))
    with pytest.raises(ProviderError, match="out of tactics"):
        engine_from_onnx(model, tmp_path / "a.plan", BuildOptions(DYNAMIC))


def test_too_little_gpu_memory_is_said_first(install, model, tmp_path):
    asked = install(FakeTensorRt())
    with pytest.raises(ProviderError, match=r"8\.0 GiB free, the build needs 12\.0 GiB"):
        engine_from_onnx(model, tmp_path / "a.plan", BuildOptions(DYNAMIC, workspace_gib=12.0))
    assert "model" not in asked


def test_missing_tensorrt_is_a_provider_error(install, tiny_zoo, tmp_path, monkeypatch):
    install(FakeTensorRt())
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    options = ExportOptions(model="tiny", format="engine", verify=False)
    with pytest.raises(ProviderError, match=r"artrt\[tensorrt\]"):
        export_artefact(options, tmp_path / "deploy", zoo=tiny_zoo)
    assert not (tmp_path / "deploy").exists()


class Built:
    """Stands in for `open_session`: the model on the CPU, and an "engine" whose result is changed."""

    def __init__(self, change):
        self.change = change

    def __call__(self, path, *, provider, size=None):
        if provider == "cpu":
            return open_session(path, provider="cpu")
        model = path.with_name("model.onnx")
        session = open_session(model, provider="cpu")
        honest = session.run
        session.run = lambda feeds, outputs: {k: self.change(v) for k, v in honest(feeds, outputs).items()}
        return session


def checked(model, folder, picture, monkeypatch, change, **choices):
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    monkeypatch.setattr(engine_parity, "open_session", Built(change))
    return check_engine(folder / "a.plan", model, picture(90, 70), size=(48, 64), **choices)


def test_an_engine_is_compared_with_its_model(model, style, picture, tmp_path, monkeypatch):
    equal = checked(model, tmp_path, picture, monkeypatch, lambda x: x, precision="fp32", style=style)
    assert (equal.max_abs, equal.psnr_db) == (0, 99.0)
    near = checked(model, tmp_path, picture, monkeypatch, lambda x: x ^ 1, precision="fp16", style=style)
    assert near.max_abs == 1
    for precision in ("fp32", "int8"):
        with pytest.raises(ParityError, match=r"the engine of stylize differs .* nothing was written"):
            checked(
                model, tmp_path, picture, monkeypatch, lambda x: 255 - x, precision=precision, style=style
            )


@pytest.mark.parametrize("name", ["batch", "quantize", "saliency"])
def test_engines_of_every_kind_are_compared(model, picture, tmp_path, monkeypatch, name):
    shipped = SHIPPED / f"{name}.onnx"
    stage = batched(model, 2) if name == "batch" else onnx.load(str(shipped))
    parity = checked(stage, tmp_path, picture, monkeypatch, lambda x: x, precision="fp32")
    assert parity.max_abs == 0


def test_an_engine_that_differs_is_not_written(install, tiny_zoo, root, picture, tmp_path, monkeypatch):
    install(FakeTensorRt())

    def differ(plan, model, photo, *, size, precision, style):
        assert plan.read_bytes() == b"plan"
        assert size == DYNAMIC.optimum
        raise ParityError("the engine differs")

    monkeypatch.setattr(engine_parity, "check_engine", differ)
    cv2.imwrite(str(tmp_path / "photo.png"), picture(60, 80))
    options = ExportOptions(model="tiny", format="engine", shapes=DYNAMIC, calibration=tmp_path)
    with pytest.raises(ParityError, match="the engine differs"):
        export_artefact(options, tmp_path / "deploy", zoo=tiny_zoo)
    assert not (tmp_path / "deploy").exists()


def test_an_engine_folder_holds_plan_sidecar_and_manifest(install, tiny_zoo, tmp_path):
    install(FakeTensorRt())
    stages = (StageChoice("quantize", 8), StageChoice("stylize"))
    options = ExportOptions(
        model="tiny", format="engine", shapes=DYNAMIC, stages=stages, fuse=True, verify=False
    )
    manifest = export_artefact(options, tmp_path / "deploy", zoo=tiny_zoo)
    assert manifest["stages"][0]["file"] == "quantize+stylize.plan"
    assert {"quantize+stylize.plan", "quantize+stylize.plan.json"} <= set(manifest["files"])
    sidecar = json.loads((tmp_path / "deploy" / "quantize+stylize.plan.json").read_text())
    assert "--dynamic 64x48:128x96:256x192 --stages quantize:8,stylize --fuse" in sidecar["rebuild"]


@pytest.fixture(scope="module")
def onnx_folder(tiny_zoo, tmp_path_factory):
    """An exported folder of ONNX models of free size."""
    folder = tmp_path_factory.mktemp("onnx") / "deploy"
    stages = (StageChoice("quantize", 8), StageChoice("stylize"))
    options = ExportOptions(model="tiny", stages=stages, precision="fp16", shapes=DYNAMIC, verify=False)
    export_artefact(options, folder, zoo=tiny_zoo)
    return folder


def of_folder(folder, **choices):
    return ExportOptions(model=str(folder), format="engine", **{"verify": False, **choices})


@pytest.mark.parametrize(
    ("shapes", "frame", "best"),
    [
        (Shapes(), ["H", "W", 3], [96, 128]),
        (Shapes.of(size="640x360"), [360, 640, 3], [360, 640]),
        (Shapes.of(dynamic="64x48:96x96:256x192"), ["H", "W", 3], [96, 96]),
    ],
)
def test_engines_are_made_of_an_onnx_folder(install, onnx_folder, tmp_path, shapes, frame, best):
    install(FakeTensorRt())
    engines_of_artefact(of_folder(onnx_folder, shapes=shapes), tmp_path / "trt")
    made = Artefact.open(tmp_path / "trt")
    before = Artefact.open(onnx_folder)
    assert [stage["file"] for stage in made.manifest["stages"]] == ["quantize.plan", "stylize.plan"]
    assert made.manifest["shapes"]["frame"] == frame
    assert (made.manifest["kind"], made.manifest["precision"]) == ("engine", "fp16")
    assert made.styles == before.styles == ["starry-night", "udnie"]
    assert (tmp_path / "trt" / "styles" / "udnie.safetensors").is_file()
    sidecar = read_sidecar(tmp_path / "trt" / "stylize.plan")
    assert sidecar.shapes["optimum"] == tuple(best)
    assert json.loads(sidecar_path(tmp_path / "trt" / "stylize.plan").read_text())["precision"] == "fp16"
    assert f"--model {onnx_folder} --format engine --" in sidecar.rebuild
    assert sidecar.rebuild.endswith("--stroke 1")
    assert made.stroke == 1.0


def test_engines_of_an_onnx_folder_get_the_stroke_that_was_asked_for(install, onnx_folder, tmp_path):
    asked = install(FakeTensorRt())
    manifest = engines_of_artefact(of_folder(onnx_folder, stroke=2.0), tmp_path / "trt")
    assert manifest["stroke"] == manifest["stages"][1]["contract"]["extra"]["stroke"] == 2.0
    assert "stroke" not in {value.name for value in onnx.load_from_string(asked["model"]).graph.input}


def test_engines_are_built_with_nothing_but_onnx(install, onnx_folder, tmp_path, monkeypatch):
    install(FakeTensorRt())
    for package in ("torch", "onnxscript", "skimage"):
        monkeypatch.setitem(sys.modules, package, None)
    assert engines_of_artefact(of_folder(onnx_folder), tmp_path / "trt")["kind"] == "engine"
    monkeypatch.setattr(selftest, "require_cuda_driver", lambda: None)
    assert selftest._engine(SHIPPED / "saliency.onnx", tmp_path).read_bytes() == b"plan"
    assert read_sidecar(tmp_path / "saliency.plan").shapes["minimum"] == selftest.SIZE


def test_triton_takes_engines_too(install, onnx_folder, tmp_path):
    install(FakeTensorRt())
    engines_of_artefact(of_folder(onnx_folder, shapes=Shapes.of(size="64x48")), tmp_path / "trt")
    for folder in write_repository(tmp_path / "trt", tmp_path / "repository"):
        text = (folder / "config.pbtxt").read_text()
        assert 'platform: "tensorrt_plan"' in text
        assert 'name: "frame" data_type: TYPE_UINT8 dims: [ 48, 64, 3 ]' in text
        assert (folder / "1" / "model.plan").read_bytes() == b"plan"


def test_engines_take_numbers_as_vectors(install, model, tmp_path):
    asked = install(FakeTensorRt())
    engine_from_onnx(model, tmp_path / "a.plan", BuildOptions(DYNAMIC))
    built = onnx.load_from_string(asked["model"])
    assert all(value.type.tensor_type.shape.dim for value in built.graph.input)


def test_engines_of_a_folder_are_compared_too(install, onnx_folder, tmp_path, monkeypatch, picture):
    install(FakeTensorRt())
    cv2.imwrite(str(tmp_path / "photo.png"), picture(60, 80))
    seen = []

    def compared(plan, model, photo, *, size, precision, style):
        seen.append((plan.name, photo.shape, size, precision, style is not None))
        return Parity(1, 50.0, 1)

    monkeypatch.setattr(maker, "check_engine", compared)
    manifest = engines_of_artefact(
        of_folder(onnx_folder, verify=True, calibration=tmp_path), tmp_path / "trt"
    )
    assert seen == [
        (f"{name}.plan", (60, 80, 3), (96, 128), "fp16", True) for name in ("quantize", "stylize")
    ]
    assert [stage["parity"]["psnr_db"] for stage in manifest["stages"]] == [50.0, 50.0]


def test_what_is_the_folders_cannot_be_chosen_again(install, onnx_folder, tiny_zoo, tmp_path):
    install(FakeTensorRt())
    for choices, match in (
        ({"precision": "fp16"}, "precision is fixed by the folder"),
        ({"fuse": True}, "fuse is fixed by the folder"),
        ({"styles": ("udnie",)}, "styles is fixed by the folder"),
        ({"format": "onnx"}, "use --format engine"),
    ):
        with pytest.raises(UsageError, match=match):
            engines_of_artefact(replace(of_folder(onnx_folder), **choices), tmp_path / "trt")
    with pytest.raises(UsageError, match="name another output with -o"):
        engines_of_artefact(of_folder(onnx_folder), onnx_folder)
    fixed = tmp_path / "fixed"
    export_artefact(
        ExportOptions(model="tiny", shapes=Shapes.of(size="64x48"), verify=False), fixed, zoo=tiny_zoo
    )
    with pytest.raises(UsageError, match="exported only for 64x48"):
        engines_of_artefact(of_folder(fixed, shapes=Shapes.of(size="32x32")), tmp_path / "trt")
    with pytest.raises(UsageError, match="exported only for stroke 1"):
        engines_of_artefact(of_folder(fixed, stroke=2.0), tmp_path / "trt")
    assert not (tmp_path / "trt").exists()


def test_a_changed_folder_makes_no_engines(install, onnx_folder, tmp_path):
    install(FakeTensorRt())
    copy = shutil.copytree(onnx_folder, tmp_path / "copy")
    (copy / "stylize.onnx").write_bytes((copy / "stylize.onnx").read_bytes() + b"!")
    with pytest.raises(IntegrityError, match="differs from the manifest"):
        engines_of_artefact(of_folder(copy), tmp_path / "trt")


def test_engines_of_a_folder_need_no_pytorch(onnx_folder, tmp_path):
    code = (
        "import sys\n"
        "from artrt.cli.main import run\n"
        "for name in ('torch', 'onnxscript', 'skimage'): sys.modules[name] = None\n"
        f"code = run(['export', '--model', {str(onnx_folder)!r}, '--format', 'engine', '-o', 'trt'])\n"
        "sys.exit(code)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    gpu = Path("/dev/nvidiactl").exists()
    assert result.returncode == 3 or (gpu and result.returncode == 0), result.stderr
    assert gpu or "libcuda" in result.stderr
