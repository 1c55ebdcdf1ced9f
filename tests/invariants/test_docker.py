"""The Dockerfiles: well-formed instructions, pinned bases, extras that exist, no root at run time."""

from __future__ import annotations

import json
import re

import pytest

tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has no tomllib")

FILES = ("Dockerfile.cpu", "Dockerfile.cuda", "Dockerfile.jetpack")
INSTRUCTIONS = {"FROM", "RUN", "WORKDIR", "COPY", "ENV", "USER", "ENTRYPOINT", "CMD"}


def instructions(root, name):
    """(instruction, argument) pairs, continued lines joined, comments dropped."""
    lines = [line for line in (root / "docker" / name).read_text().splitlines() if not line.startswith("#")]
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("name", FILES)
def test_instructions_are_known_and_bases_pinned(root, name):
    found = instructions(root, name)
    assert {instruction for instruction, _ in found} <= INSTRUCTIONS
    base = dict(found)["FROM"]
    assert ":" in base
    assert not base.endswith(":latest")


@pytest.mark.parametrize("name", FILES)
def test_entry_points_are_json_and_not_run_as_root(root, name):
    found = instructions(root, name)
    assert json.loads(dict(found)["ENTRYPOINT"]) == ["artrt"]
    assert json.loads(dict(found)["CMD"])[0] == "doctor"
    assert dict(found)["USER"] == "artrt"


@pytest.mark.parametrize("name", FILES)
def test_extras_exist_and_no_package_lists_or_caches_stay(root, name):
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for instruction, argument in instructions(root, name):
        for names in re.findall(r"\.\[([\w,]+)\]", argument):
            assert set(names.split(",")) <= set(extras)
        if instruction == "RUN" and "apt-get install" in argument:
            assert "rm -rf /var/lib/apt/lists/*" in argument
            assert "--no-install-recommends" in argument
        if "pip install" in argument:
            assert argument.count("pip install") == argument.count("--no-cache-dir")


def test_the_jetsons_packages_are_the_base_dependencies(root):
    """It installs them by name, because OpenCV is the system's there: none forgotten, and with the same limits."""
    installed = " ".join(argument for _, argument in instructions(root, "Dockerfile.jetpack"))
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    for requirement in project["dependencies"]:
        if requirement.startswith("opencv-python"):
            assert "python3-opencv" in installed
        else:
            assert f'"{requirement}' in installed, requirement
    assert "--no-deps ." in installed
