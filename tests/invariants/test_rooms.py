"""The rooms of engine/ and models/: each imports only what stands below it, and nothing goes in a circle."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

# From the bottom to the top: a room may import the ground files and the rooms before it.
ROOMS = {
    "engine": (
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
    ),
    "models": ("networks", "evaluation", "saliency", "painting", "training"),
}
# Files beside the rooms; they import no room. `pictures` is a folder on the ground: `frame` reads and writes by it.
GROUND = {
    "engine": {
        "addresses",
        "closing",
        "errors",
        "files",
        "frame",
        "mailbox",
        "pictures",
        "result",
        "stage_spec",
        "statistics",
    },
    "models": {"device", "losses", "moments", "paintings", "photos", "step_batches", "tensors"},
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


@pytest.mark.parametrize("package", ROOMS)
def test_the_rooms_and_ground_files_are_all_there_is(root, package):
    names = {name.split(".")[1] for name in modules(root, package) if "." in name}
    assert names == {*ROOMS[package], *GROUND[package]}


def upward(graph: dict[str, set[str]], package: str) -> list[str]:
    """Imports of a room that stands above; the package's own `__init__` may hand on every room's names."""
    level = {name: place for place, name in enumerate(ROOMS[package], 1)} | dict.fromkeys(GROUND[package], 0)
    return [
        f"{module} imports {target}"
        for module, targets in graph.items()
        for target in targets
        if package not in (target, module) and level[room(target)] > level[room(module)]
    ]


@pytest.mark.parametrize("package", ROOMS)
def test_a_room_imports_only_what_is_below_it(root, package):
    assert upward(arrows(root, package), package) == []


def test_an_arrow_up_would_be_found():
    graph = {
        "models.networks.transformer": {"models.losses", "models.training.options"},
        "models.training.options": set(),
    }
    assert upward(graph, "models") == ["models.networks.transformer imports models.training.options"]


@pytest.mark.parametrize("package", ["cli", "engine", "export", "models"])
def test_no_circle_of_modules(root, package):
    require_no_circle(arrows(root, package))


@pytest.mark.parametrize("package", ROOMS)
def test_no_circle_of_rooms(root, package):
    graph: dict[str, set[str]] = {}
    for module, targets in arrows(root, package).items():
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
