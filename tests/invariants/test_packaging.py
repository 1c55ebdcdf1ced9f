"""What ships: the wheel's files equal the tree, the zoo included, tests and benchmarks not."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

FOLDERS = ("cli", "engine", "export", "models")
SHIPPED_SUFFIXES = {
    ".py",
    ".typed",
    ".onnx",
    ".safetensors",
    ".json",
    ".md",
    ".html",
    ".js",
    ".css",
    ".svg",
    ".pbtxt",
    ".jpg",
    ".woff2",
    ".txt",
}


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def tree(root: Path) -> set[str]:
    """Files below the package's folders that belong into the wheel."""
    found = {"__init__.py", "__main__.py", "py.typed"}
    for folder in FOLDERS:
        for path in (root / folder).rglob("*"):
            parts = path.relative_to(root).parts
            if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in parts):
                found.add("/".join(parts))
    return found


def test_only_the_package_and_its_command_are_at_the_root(root):
    assert {path.name for path in root.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_every_package_is_listed(root, project):
    packages = {"artrt"} | {
        "artrt." + ".".join(path.parent.relative_to(root).parts)
        for folder in FOLDERS
        for path in (root / folder).rglob("__init__.py")
    }
    assert set(project["tool"]["setuptools"]["packages"]) == packages


def test_every_folder_with_modules_is_a_package(root):
    folders = {path.parent for folder in FOLDERS for path in (root / folder).rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_nothing_strange_lies_in_the_tree(root):
    assert {name for name in tree(root) if Path(name).suffix not in SHIPPED_SUFFIXES} == set()


def test_wheel_equals_the_tree(root, tmp_path):
    source = tmp_path / "source"
    ignore = shutil.ignore_patterns(
        ".git", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", "runs", "tests", "benchmarks"
    )
    shutil.copytree(root, source, ignore=ignore, symlinks=True)
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(tmp_path),
        str(source),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.stat().st_size < 10_000_000
    with zipfile.ZipFile(wheel) as archive:
        names = {name.removeprefix("artrt/") for name in archive.namelist() if name.startswith("artrt/")}
        other = {name.split("/")[0] for name in archive.namelist()} - {"artrt"}
    assert names == tree(source)
    assert [name for name in other if not name.endswith(".dist-info")] == []


def test_version_is_said_once(root, project):
    import artrt

    assert project["project"]["version"] == artrt.__version__
    newest = re.search(
        r"^## \[?([^\]\s]+)", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert newest is not None
    assert newest[1] in (artrt.__version__, "Unreleased")


def test_extras_are_complete(project):
    extras = project["project"]["optional-dependencies"]
    assert {"cpu", "gpu", "tensorrt", "train", "serve", "vcam", "openvino", "batch", "docs", "dev"} <= set(
        extras
    )
    assert not any("onnxruntime-gpu" in requirement for requirement in extras["dev"])
