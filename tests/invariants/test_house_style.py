"""Rules that no linter knows."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

FOLDERS = ("cli", "engine", "export", "models")
LONGEST_MODULE = 400
LONGEST_FUNCTION = 60
MOST_PARAMETERS = 8


def sources(root):
    return sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py"))


def test_modules_are_short(root):
    long = {
        str(path.relative_to(root)): count
        for path in sources(root)
        if (count := len(path.read_text().splitlines())) > LONGEST_MODULE
    }
    assert long == {}


def test_every_module_says_what_it_is(root):
    silent = [
        str(path.relative_to(root))
        for path in sources(root)
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def functions(root):
    """(place, node) of every function of the package."""
    for path in sources(root):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield f"{path.relative_to(root)}:{node.lineno} {node.name}", node


def test_functions_are_short(root):
    long = {place for place, node in functions(root) if node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION}
    assert long == set()


def test_public_functions_have_few_parameters(root):
    wrong = []
    for place, node in functions(root):
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        named = [argument.arg for argument in given if argument.arg not in ("self", "cls")]
        public = not node.name.startswith("_") or node.name == "__init__"
        if public and not place.startswith("cli/") and len(named) > MOST_PARAMETERS:
            wrong.append(f"{place}: {len(named)}")
    assert wrong == []


def test_nothing_is_swallowed(root):
    """No bare except, and no handler that does nothing at all."""
    swallowed = []
    for path in sources(root):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ExceptHandler) and all(isinstance(step, ast.Pass) for step in node.body):
                swallowed.append(f"{path.relative_to(root)}:{node.lineno}")
    assert swallowed == []


def test_only_the_command_line_prints_and_exits(root):
    wrong = [
        f"{path.relative_to(root)}:{number}"
        for path in sources(root)
        if path.parts[-2] != "cli"
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(r"(?<![\w.])(print|sys\.exit|exit)\(", line) and not re.match(r"\s*(>>>|\.\.\.)", line)
    ]
    assert wrong == []


# Folders that a text may name, though a checkout may lie in one of them.
COMMON = {Path(name) for name in ("/", "/app", "/home", "/opt", "/srv", "/tmp", "/usr", "/var")}


@pytest.mark.parametrize("place", ["checkout", "home"])
def test_no_path_of_somebodys_machine(root, place):
    """Neither the folder around this checkout nor the user's home stands in a file."""
    around = root if root.parent in COMMON else root.parent
    pattern = re.escape(f"{around if place == 'checkout' else Path.home()}/")
    folders = (*FOLDERS, "tests", "benchmarks", "docs", "examples", "docker", ".ci")
    files = [
        path
        for folder in folders
        for path in (root / folder).rglob("*")
        if path.suffix in {".py", ".md", ".json", ".yml", ".sh", ""}
    ]
    found = [
        str(path.relative_to(root))
        for path in [*files, *root.glob("*.md"), root / "pyproject.toml"]
        if path.is_file() and re.search(pattern, path.read_text(errors="replace"))
    ]
    assert found == []
