"""The commands that paint have the same options: those of a look."""

from __future__ import annotations

import importlib

import pytest

from artrt.cli.main import run
from artrt.engine.looks.look import NUMBERS, Look
from support.clips import make_clip

COMMANDS = ("stylize", "batch", "live", "serve")


def options(name):
    command = importlib.import_module(f"artrt.cli.{name}").command
    return {parameter.name: parameter for parameter in command.params}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_number_of_a_look_is_an_option(name):
    found = options(name)
    for number in NUMBERS:
        assert found[number].default == getattr(Look(), number)
        assert found[number].help == NUMBERS[number].help


@pytest.mark.parametrize("name", COMMANDS)
def test_the_other_options_of_a_look(name):
    assert {"style", "engine", "model", "quantize", "superpixels", "provider", "threads"} <= set(
        options(name)
    )


@pytest.mark.parametrize(
    ("given", "amounts"), [([], {0.8}), (["--stabilize", "0.3"], {0.3}), (["--stabilize", "0"], set())]
)
def test_videos_are_stabilized_by_default(use_tiny_zoo, tmp_path, monkeypatch, given, amounts):
    seen = set()

    def record(self, frame, styled, *, amount, fingerprint):
        seen.add(amount)
        return styled

    monkeypatch.setattr("artrt.engine.looks.runner.Stabilizer.__call__", record)
    clip = make_clip(tmp_path / "a.mp4", frames=5)
    assert run(["stylize", str(clip), "-o", str(tmp_path / "b.mp4"), "--style", "udnie", *given]) == 0
    assert seen == amounts


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--style", "none", "--strength", "0.5"], "strength 0.5 was requested: it changes nothing without"),
        (["--engine", "deploy", "--quantize", "16"], "an exported folder has fixed effects"),
        (["--engine", "deploy", "--model", "base"], "'deploy' has its own model"),
    ],
)
def test_what_cannot_be_done_is_refused(use_tiny_zoo, tmp_path, capsys, arguments, message):
    clip = make_clip(tmp_path / "a.mp4", frames=3)
    assert run(["stylize", str(clip), "-o", str(tmp_path / "b.mp4"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "b.mp4").exists()
