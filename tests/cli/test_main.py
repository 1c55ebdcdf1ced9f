from __future__ import annotations

import json
import types

import click
import pytest

from artrt.cli import main
from artrt.cli._common import with_origin
from artrt.cli.main import COMMANDS, missing_import, run
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


def test_unknown_errors_keep_their_traceback(failing):
    failing(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        run(["styles"])


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
    monkeypatch.setattr("artrt.cli._common.metadata.distribution", lambda name: installed)
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
    assert "No such option" in capsys.readouterr().err


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
