from __future__ import annotations

import json

import numpy as np
import pytest

from artrt.cli.main import run
from artrt.engine.frame import write_image
from support.models import STYLES, TRUNK


@pytest.fixture(autouse=True)
def zoo(use_tiny_zoo):
    return use_tiny_zoo


def test_list_is_the_default(capsys):
    assert run(["styles"]) == 0
    listed = capsys.readouterr().out
    assert run(["styles", "list"]) == 0
    assert capsys.readouterr().out == listed
    assert listed.splitlines()[0] == "great-wave    Great-Wave (A. Painter, 1900)"
    assert [line.split()[0] for line in listed.splitlines()] == list(STYLES)


def test_list_as_json(capsys):
    assert run(["styles", "list", "--json"]) == 0
    (first, *_) = json.loads(capsys.readouterr().out)
    assert first == {
        "name": "great-wave",
        "title": "Great-Wave",
        "artist": "A. Painter",
        "year": "1900",
        "own": False,
    }


def test_show(capsys):
    assert run(["styles", "show", "udnie"]) == 0
    shown = capsys.readouterr().out
    assert "title         Udnie\n" in shown
    assert f"trunk         {TRUNK}\n" in shown


def test_show_as_json_and_by_path(zoo, capsys):
    assert run(["styles", "show", str(zoo / "styles" / "udnie.safetensors"), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["name"], facts["values"], facts["losses"]) == ("udnie", 4, {})


def test_unknown_style(capsys):
    assert run(["styles", "show", "udny"]) == 2
    assert capsys.readouterr().err == "artrt: error: unknown style 'udny'; did you mean 'udnie'?\n"


@pytest.fixture
def painting(tmp_path):
    path = tmp_path / "My Painting.png"
    write_image(path, np.full((80, 100, 3), (0, 255, 0), np.uint8))
    return path


def test_a_painting_is_kept_listed_used_and_removed(painting, tmp_path, capsys):
    assert run(["styles", "add", str(painting), "--title", "Green", "--artist", "Nobody"]) == 0
    assert "use it as --style my-painting" in capsys.readouterr().out
    run(["styles", "list"])
    assert capsys.readouterr().out.splitlines()[-1].split() == ["my-painting", "Green", "(Nobody)"]
    write_image(tmp_path / "photo.png", np.zeros((40, 40, 3), np.uint8))
    out = tmp_path / "out.png"
    assert run(["stylize", str(tmp_path / "photo.png"), "-o", str(out), "--style", "my-painting"]) == 0
    assert run(["stylize", str(tmp_path / "photo.png"), "-o", str(out), "--style", str(painting)]) == 0
    assert run(["styles", "remove", "my-painting"]) == 0
    assert run(["styles", "show", "my-painting"]) == 2


def test_a_style_file_is_kept_too(zoo, capsys):
    assert run(["styles", "add", str(zoo / "styles" / "udnie.safetensors"), "--name", "mine"]) == 0
    assert run(["styles", "show", "mine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.split("\n", 1)[1])["title"] == "Udnie"


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (["add", "PAINTING", "--name", "udnie"], "shipped style", 2),
        (["add", "PAINTING", "--name", "Ä"], "not a valid style name", 2),
        (["add", "PAINTING", "--refine", "3"], "must be given together", 2),
        (["add", "missing.png"], "missing.png", 1),
        (["remove", "udnie"], "ships with artrt", 2),
        (["remove", "mine"], "no style 'mine'", 1),
    ],
)
def test_what_cannot_be_done_is_one_line(painting, arguments, words, code, capsys):
    asked = [str(painting) if word == "PAINTING" else word for word in arguments]
    assert run(["styles", *asked]) == code
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
