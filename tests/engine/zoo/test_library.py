"""The user's own styles: kept, listed with those that ship, read again for a new trunk, forgotten."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from artrt.engine.errors import InputError, OutputError, UnknownStyleError, UsageError
from artrt.engine.zoo.library import Library, library_folder
from artrt.engine.zoo.style import Style
from artrt.engine.zoo.zoo import Zoo
from support.models import TRUNK

BLUE = np.full((96, 2000, 3), (255, 0, 0), np.uint8)


@pytest.fixture
def zoo(use_tiny_zoo):
    return Zoo()


def test_the_folder_is_that_of_the_system(monkeypatch, tmp_path):
    monkeypatch.delenv("ARTRT_STYLES")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert library_folder() == tmp_path / "artrt" / "styles"


def test_kept_used_and_forgotten(zoo):
    zoo.library.add(zoo.style_of_picture(BLUE, name="mine"), picture=BLUE)
    assert zoo.library.names() == ["mine"]
    assert zoo.style("mine").vector[0] == 1
    assert zoo.library.picture("mine").shape == (64, 1333, 3)
    zoo.library.remove("mine")
    assert list(zoo.library.folder.iterdir()) == []
    with pytest.raises(UnknownStyleError):
        Zoo().style("mine")


def test_a_style_read_for_an_older_trunk_is_read_again(zoo):
    old = replace(zoo.style_of_picture(BLUE, name="mine"), trunk="cd" * 32, vector=np.zeros(7, np.float32))
    zoo.library.add(old, picture=BLUE)
    assert (zoo.style("mine").trunk, zoo.style("mine").vector[0]) == (TRUNK, 1)


def test_a_trained_style_stays_as_it_is(zoo):
    zoo.library.add(Style("mine", np.zeros(7, np.float32), "cd" * 32), picture=BLUE)
    assert zoo.style("mine").trunk == "cd" * 32


def test_a_name_is_taken_once(zoo):
    style = zoo.style_of_picture(BLUE, name="mine")
    zoo.library.add(style)
    with pytest.raises(UsageError, match="--replace"):
        zoo.library.add(style)
    zoo.library.add(style, replace=True)


@pytest.mark.parametrize("name", ["../mine", "", "a/b", "Ümlaut", "-x", ".hidden"])
def test_names_that_are_none(name):
    with pytest.raises(UsageError, match="not a valid style name"):
        Library().style(name)


def test_what_is_not_there_cannot_be_removed():
    with pytest.raises(InputError, match="no style 'mine'"):
        Library().remove("mine")


def test_a_library_that_cannot_be_written(tmp_path, zoo):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        Library(tmp_path / "file").add(zoo.style_of_picture(BLUE, name="mine"))
