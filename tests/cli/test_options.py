"""Options that several commands share."""

from __future__ import annotations

import click
import pytest

from artrt.cli._options import NumberType, style_option
from artrt.engine.looks.look import NUMBERS


@pytest.mark.parametrize(("text", "value"), [("fine", 0.5), ("medium", 1.0), ("bold", 2.0), ("0.7", 0.7)])
def test_strokes_by_word_and_by_number(text, value):
    assert NumberType(NUMBERS["stroke"]).convert(text, None, None) == value


@pytest.mark.parametrize("text", ["huge", "9", "nan", ""])
def test_other_strokes_are_refused(text):
    with pytest.raises(click.BadParameter, match="range|not a valid"):
        NumberType(NUMBERS["stroke"]).convert(text, None, None)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("star", ["starry-night"]), ("udnie:0.3+star", ["udnie:0.3+starry-night"]), ("photos/", ["photos/"])],
)
def test_the_shell_completes_names_of_styles(use_tiny_zoo, typed, offered):
    command = style_option(click.command()(lambda style: None))
    found = command.params[0].shell_complete(click.Context(command), typed)
    assert [item.value for item in found] == offered
