"""What the README says can be done can be done."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from artrt.cli.main import COMMANDS, cli


def text(root):
    return (root / "README.md").read_text(encoding="utf-8")


def examples(root):
    """Every `artrt …` command of the shell blocks, as words."""
    blocks = re.findall(r"```sh\n(.*?)```", text(root), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [
        shlex.split(part)[1:]
        for line in lines
        for part in line.split("&&")
        if part.strip().startswith("artrt ")
    ]


def parse(words):
    """Parses words as click would, options and their types, without running anything or touching files."""
    context, command = click.Context(cli, info_name="artrt", **cli.context_settings), cli
    while isinstance(command, click.Group):
        command = command.get_command(context, words[0])
        assert command is not None, f"no command {words[0]}"
        context, words = click.Context(command, info_name=words[0], parent=context), words[1:]
    command.make_parser(context).parse_args(list(words))


def test_every_command_has_an_example(root):
    shown = {words[0] for words in examples(root)}
    assert shown >= set(COMMANDS)


def test_every_example_has_only_options_that_exist(root):
    found = examples(root)
    assert len(found) > 15
    for words in found:
        parse(words)


def test_option_that_does_not_exist_is_found():
    with pytest.raises(click.NoSuchOption, match="--stile"):
        parse(["stylize", "a.jpg", "-o", "b.jpg", "--stile", "udnie"])


def test_the_two_commands_of_a_fresh_machine(root):
    stylize = "artrt stylize docs/images/astronaut.jpg -o astronaut-starry-night.jpg --style starry-night"
    assert f'pip install ".[cpu]" && {stylize}' in text(root)
    assert 'pip install -e ".[dev]" && pytest' in text(root)


def test_links_and_pictures_exist(root):
    for target in re.findall(r"\]\(([^)#][^)]*)\)", text(root)):
        if "://" not in target:
            assert (root / target.partition("#")[0]).exists(), target


def test_anchors_exist(root):
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in text(root).splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", text(root))) <= headings


def test_every_extra_is_listed(root):
    tomllib = pytest.importorskip("tomllib")
    extras = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    listed = set(
        re.findall(
            r"`([a-z]+)`",
            "\n".join(line.split("|")[1] for line in text(root).splitlines() if line.startswith("| `")),
        )
    )
    assert set(extras) <= listed


def test_python_example_runs(root, tmp_path, monkeypatch, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", text(root), re.DOTALL)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "images").symlink_to(root / "docs" / "images")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARTRT_PROVIDER", "cpu")
    exec(code, {})
    assert (tmp_path / "astronaut-starry-night.jpg").stat().st_size > 10_000
    assert "starry-night" in capsys.readouterr().out


def test_environment_variables_are_those_of_the_code(root):
    used = set()
    for folder in ("engine", "cli", "models", "export"):
        for path in (root / folder).rglob("*.py"):
            used |= set(re.findall(r"[\"'](ARTRT_[A-Z_]+)[\"']", path.read_text(encoding="utf-8")))
    assert used <= set(re.findall(r"`(ARTRT_[A-Z_]+)`", text(root)))


def test_tables_are_short(root):
    """At most five rows: a head, a rule, five rows."""
    tables = re.findall(r"(?:^\|.*\n)+", text(root), re.MULTILINE)
    assert tables
    assert [table.splitlines()[0] for table in tables if len(table.splitlines()) > 7] == []
