from __future__ import annotations

import json

import pytest

from artrt.cli.main import run
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
    assert first == {"name": "great-wave", "title": "Great-Wave", "artist": "A. Painter", "year": "1900"}


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
