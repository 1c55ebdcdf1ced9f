from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import types

import click
import pytest

from artrt.cli import main
from artrt.cli._report import with_origin
from artrt.cli.main import COMMANDS, missing_import, run
from artrt.cli.signals import Terminated
from artrt.engine import errors


@pytest.fixture
def failing(monkeypatch):
    """Makes `artrt styles` raise an error."""

    def fail_with(error):
        @click.command()
        def command():
            raise error

        monkeypatch.setattr(main.LazyGroup, "get_command", lambda self, context, name: command)

    return fail_with


EXIT_CODES = {
    errors.ArtrtError: 1,
    errors.InputError: 1,
    errors.UnsupportedImageError: 1,
    errors.OutputError: 1,
    errors.MissingExtraError: 1,
    errors.UsageError: 2,
    errors.ContractError: 2,
    errors.ProviderError: 3,
    errors.ParityError: 4,
    errors.SourceLostError: 5,
    errors.IntegrityError: 6,
}


@pytest.mark.parametrize(("kind", "code"), EXIT_CODES.items())
def test_known_errors_are_one_line_and_a_code(failing, capsys, kind, code):
    failing(kind("what\n happened"))
    assert run(["styles"]) == code
    assert capsys.readouterr() == ("", "artrt: error: what happened\n")


def test_every_error_has_its_code_tested():
    def below(kind):
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    declared = {kind for kind in below(errors.ArtrtError) if kind.__module__ == errors.__name__}
    assert declared - {errors.UnknownStyleError} == set(EXIT_CODES)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), click.Abort()])
def test_interruption_is_130(failing, capsys, interruption):
    failing(interruption)
    assert run(["styles"]) == 130
    assert capsys.readouterr().err.endswith("artrt: error: interrupted\n")


def test_unknown_errors_are_one_line_too(failing, capsys):
    failing(ZeroDivisionError("rtsp://me:secret@camera"))
    assert run(["styles"]) == 1
    assert capsys.readouterr() == (
        "",
        "artrt: error: ZeroDivisionError: rtsp://camera (a bug in artrt: add --debug to see where)\n",
    )


@pytest.mark.parametrize("error", [ZeroDivisionError("a bug"), errors.InputError("a file")])
def test_debug_shows_where_an_error_came_from(failing, error):
    failing(error)
    with pytest.raises(type(error), match="a bug|a file"):
        run(["styles", "--debug"])


def test_terminated_is_told_with_the_code_of_shells(failing, capsys):
    failing(Terminated(signal.SIGTERM))
    assert run(["styles"]) == 143
    assert capsys.readouterr().err.endswith("artrt: error: terminated\n")


COMMAND = [sys.executable, "-m", "artrt.cli.main"]


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_output_is_one_line(unbuffered):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "styles", "list"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        )
    assert (done.returncode, done.stderr) == (
        1,
        "artrt: error: cannot write the output: No space left on device\n",
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_output_that_nobody_reads_is_no_error(unbuffered):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, "styles", "list"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_missing_package_names_the_extra(failing, capsys):
    failing(ModuleNotFoundError("No module named 'torch'", name="torch"))
    assert run(["styles"]) == 1
    assert capsys.readouterr().err == "artrt: error: " + with_origin(
        "this needs torch: pip install 'artrt[train]'\n"
    )


@pytest.mark.parametrize(
    ("url", "info", "command"),
    [
        ("file://{folder}", {"editable": True}, "pip install -e '{folder}[cpu]'"),
        ("file://{folder}", {}, "pip install '{folder}[cpu]'"),
        ("file:///no/such/folder", {"editable": True}, "pip install 'artrt[cpu]'"),
        (None, None, "pip install 'artrt[cpu]'"),
    ],
)
def test_hints_name_the_place_that_artrt_came_from(monkeypatch, tmp_path, url, info, command):
    said = None if url is None else json.dumps({"url": url.format(folder=tmp_path), "dir_info": info})
    installed = types.SimpleNamespace(read_text=lambda name: said)
    monkeypatch.setattr("artrt.cli._report.metadata.distribution", lambda name: installed)
    assert with_origin("pip install 'artrt[cpu]'") == command.format(folder=tmp_path)
    assert with_origin("no such file") == "no such file"


def test_missing_system_library_names_the_fix():
    error = ImportError("libGL.so.1: cannot open shared object file: No such file or directory", name="cv2")
    assert "apt-get install libgl1 libglib2.0-0" in str(missing_import(error))
    assert missing_import(ImportError("cannot import name 'x'")) is None


def test_unknown_command_lists_close_names(capsys):
    assert run(["stylise"]) == 2
    assert "no command 'stylise'; did you mean 'stylize'" in capsys.readouterr().err


def test_wrong_option_is_usage(capsys):
    assert run(["stylize", "a.jpg", "--wrong"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("artrt: error: No such option")
    assert line.endswith("(artrt stylize --help)")


def test_no_arguments_show_the_help(capsys):
    assert run([]) == 0
    assert "artrt stylize photo.jpg" in capsys.readouterr().out


def test_version(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == "artrt, version 0.1.0\n"


def test_short_help_is_one_sentence():
    for name, (_, text) in COMMANDS.items():
        assert text.endswith("."), name
        assert len(text) < 80, name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_loads_and_its_help_has_an_example(name, capsys):
    assert run([name, "--help"]) == 0
    assert f"artrt {name}" in capsys.readouterr().out.partition("Usage:")[2].partition("\n")[2]


def options_of(command, name="artrt"):
    """(full name of the command, option) of a command and of everything below it."""
    if isinstance(command, click.Group):
        context = click.Context(command, **main.cli.context_settings)
        for child in command.list_commands(context):
            yield from options_of(command.get_command(context, child), f"{name} {child}")
    yield from ((name, command, option) for option in command.params if isinstance(option, click.Option))


def values_of(command, *words):
    settings = main.cli.context_settings  # a command remembers the names of its first --help
    return command.make_context("artrt", list(words), resilient_parsing=True, **settings).params


def test_every_option_says_what_it_does():
    assert [(name, option.opts) for name, _, option in options_of(main.cli) if not option.help] == []


def test_every_size_says_which_side_it_is():
    found = {name: option for name, _, option in options_of(main.cli) if "--size" in option.opts}
    assert len(found) >= 9
    for name, option in found.items():
        assert re.search(r"short side, px|[Ll]ong side of .*, px|[Ww]idth x height.*, px", option.help), name


def test_folders_of_weights_and_long_sides_have_one_name_everywhere(tmp_path):
    both = {"--weights": ("--weights-dir", str(tmp_path)), "--long-side": ("--size", "100")}
    for first, (second, value) in both.items():
        taking = [
            (name, command, option) for name, command, option in options_of(main.cli) if first in option.opts
        ]
        assert len(taking) >= 3
        for name, command, option in taking:
            one, other = (values_of(command, word, value) for word in (first, second))
            assert str(one[option.name]) == str(other[option.name]) == value, name


def test_the_weights_of_paint_are_those_that_its_help_says():
    from artrt.models.painting.options import DEFAULT_WEIGHTS

    said = {
        option.opts[0]: float(found[1])
        for name, _, option in options_of(main.cli)
        if name == "artrt paint" and (found := re.search(r"\(([\d.]+) by default\)", option.help))
    }
    weights = DEFAULT_WEIGHTS
    assert said == {
        "--style-weight": weights.style,
        "--content-weight": weights.content,
        "--region": weights.region,
        "--tv": weights.tv,
    }


def test_python_dash_m_is_the_command_line():
    shown = subprocess.run(
        [sys.executable, "-m", "artrt", "--version"], capture_output=True, text=True, timeout=60
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "artrt" in shown.stdout
