"""The rooms of engine/: each imports only what stands below it, and nothing goes in a circle, types included."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

# From the bottom to the top: a room may import the ground files and the rooms before it.
ROOMS = (
    "sessions",
    "stages",
    "zoo",
    "effects",
    "sources",
    "looks",
    "sinks",
    "playing",
    "jobs",
    "checks",
    "studio",
)
# `pictures` is a folder on the ground: `frame` reads and writes by it.
GROUND = {
    "addresses",
    "errors",
    "files",
    "frame",
    "mailbox",
    "pictures",
    "result",
    "stage_spec",
    "statistics",
}


def modules(root: Path, package: str) -> dict[str, Path]:
    """Every module of a package by its dotted name below the root."""
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (root / package).rglob("*.py")
    }


def arrows(root: Path, package: str) -> dict[str, set[str]]:
    """module -> modules of the same package that it imports, inside functions and for types as well."""
    known = modules(root, package)
    found = {}
    for name, path in known.items():
        inside = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
        found[name] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or node.level == 0:
                continue
            base = inside[: len(inside) - node.level + 1] + (node.module.split(".") if node.module else [])
            for alias in node.names:
                whole = ".".join([*base, alias.name])
                target = whole if whole in known else ".".join(base)
                if target in known:
                    found[name].add(target)
    return found


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def require_no_circle(graph: dict[str, set[str]]) -> None:
    TopologicalSorter(graph).prepare()


def test_the_rooms_and_ground_files_are_all_there_is(root):
    names = {name.split(".")[1] for name in modules(root, "engine") if "." in name}
    assert names == {*ROOMS, *GROUND}


def test_a_room_imports_only_what_is_below_it(root):
    level = {name: ROOMS.index(name) + 1 for name in ROOMS} | dict.fromkeys(GROUND, 0)
    upward = [
        f"{module} imports {target}"
        for module, targets in arrows(root, "engine").items()
        for target in targets
        if target != "engine" and module != "engine" and level[room(target)] > level[room(module)]
    ]
    assert upward == []


@pytest.mark.parametrize("package", ["cli", "engine", "export", "models"])
def test_no_circle_of_modules(root, package):
    require_no_circle(arrows(root, package))


def test_no_circle_of_rooms(root):
    graph: dict[str, set[str]] = {}
    for module, targets in arrows(root, "engine").items():
        graph.setdefault(room(module), set()).update(room(target) for target in targets)
    require_no_circle({name: targets - {name, ""} for name, targets in graph.items()})


def test_a_circle_would_be_found(tmp_path):
    (tmp_path / "engine" / "sinks").mkdir(parents=True)
    for name, text in {
        "engine/__init__": "",
        "engine/sinks/__init__": "from .base import Sink",
        "engine/sinks/base": "def f():\n    from ..pipeline import Pipeline",
        "engine/pipeline": "from . import sinks",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    with pytest.raises(CycleError, match="cycle"):
        require_no_circle(arrows(tmp_path, "engine"))
