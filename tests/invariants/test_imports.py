"""Who may import whom, and what must stay light."""

from __future__ import annotations

import ast
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = ("cli", "engine", "export", "models")
ALLOWED = {
    "cli": {"cli", "engine", "export", "models", ""},
    "export": {"export", "models", "engine"},
    "models": {"models", "engine"},
    "engine": {"engine"},
}
# Value types of the engine that models may use.
VALUE_TYPES = {"errors", "files", "frame", "stage_spec", "zoo"}
HEAVY = {"torch", "onnx", "onnxscript", "sklearn", "skimage", "scipy", "tensorboard", "ray"}
# Optional, imported inside functions: the reference methods and the batch runner.
LAZY = {"batch_ray.py": {"ray"}, "exact.py": {"sklearn", "skimage"}}


def modules(root: Path, package: str) -> list[Path]:
    return sorted((root / package).rglob("*.py"))


def imported(path: Path, root: Path, *, top_level_only: bool = False) -> Iterator[tuple[int, str]]:
    """Line and absolute name, below the root, of everything that a module imports."""
    parts = path.relative_to(root).with_suffix("").parts
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, node.module or ""
        elif isinstance(node, ast.ImportFrom):
            package = parts[: len(parts) - node.level]
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from ((node.lineno, "." + ".".join([*package, name])) for name in names)


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_follow_the_arrows(root, package):
    wrong = [
        f"{path.relative_to(root)}:{line} imports {name}"
        for path in modules(root, package)
        for line, name in imported(path, root)
        if name.startswith(".")
        and name.split(".")[1] in PACKAGES
        and name.split(".")[1] not in ALLOWED[package]
    ]
    assert wrong == []


def test_models_use_only_value_types_of_the_engine(root):
    wrong = [
        f"{path.relative_to(root)}:{line} imports {name}"
        for path in modules(root, "models")
        for line, name in imported(path, root)
        if name.startswith(".engine.") and name.split(".")[2] not in VALUE_TYPES
    ]
    assert wrong == []


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_inside_the_package_are_relative(root, package):
    wrong = [
        f"{path.relative_to(root)}:{line} imports {name}"
        for path in modules(root, package)
        for line, name in imported(path, root)
        if name.split(".")[0] in ("artrt", *PACKAGES)
    ]
    assert wrong == []


def test_engine_never_imports_the_training_stack(root):
    wrong = [
        f"{path.relative_to(root)}:{line} imports {name}"
        for path in modules(root, "engine")
        for line, name in imported(path, root)
        if name.split(".")[0] in HEAVY - LAZY.get(path.name, set())
    ]
    assert wrong == []


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


SHOW_LOADED = "import sys; print(' '.join(sorted({name.split('.')[0] for name in sys.modules})))"


def test_import_artrt_is_light():
    loaded = set(run_python(f"import artrt; {SHOW_LOADED}").split())
    assert not loaded & (HEAVY | {"cv2", "av", "onnxruntime", "numpy", "rich", "click"})


@pytest.mark.parametrize(
    "arguments", [["--help"], ["live", "--help"], ["stylize", "--help"], ["styles", "list"]]
)
def test_commands_load_no_training_stack(arguments):
    code = f"from artrt.cli.main import run; code = run({arguments!r}); assert code == 0, code; {SHOW_LOADED}"
    loaded = set(run_python(code).splitlines()[-1].split())
    assert not loaded & HEAVY


def test_playing_loads_no_training_stack(tiny_zoo):
    code = (
        f"import os; os.environ['ARTRT_ZOO'] = {str(tiny_zoo)!r}; from artrt.cli.main import run; "
        "code = run(['live', 'test://64x48@30', '--headless', '--max-frames', '3', '--provider', 'cpu']); "
        f"assert code == 0, code; {SHOW_LOADED}"
    )
    assert not set(run_python(code).splitlines()[-1].split()) & HEAVY


def test_import_artrt_is_quick():
    """In milliseconds of processor time, which a busy machine does not stretch."""
    code = (
        "import time; start = time.process_time(); import artrt; print(1e3 * (time.process_time() - start))"
    )
    assert min(float(run_python(code)) for _ in range(3)) < 50


def test_help_is_quick():
    """In processor time, which a busy machine does not stretch."""
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run_python("from artrt.cli.main import run; run(['--help'])")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(seconds) < 0.4


BLOCK = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
import importlib
for name in {modules!r}:
    importlib.import_module(name)
"""
OPTIONAL = sorted(
    HEAVY
    | {
        "onnxruntime",
        "openvino",
        "tensorrt",
        "pycuda",
        "pyvirtualcam",
        "aiohttp",
        "aiortc",
        "pynvml",
        "cyndilib",
        "mss",
        "pythonosc",
        "tritonclient",
    }
)


def test_engine_and_cli_import_without_any_extra(root):
    """Every module of the runtime, and every command's file, imports with the base dependencies alone."""
    names = [
        "artrt." + ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        for package in ("engine", "cli")
        for path in modules(root, package)
    ]
    run_python(BLOCK.format(names=OPTIONAL, modules=names))
