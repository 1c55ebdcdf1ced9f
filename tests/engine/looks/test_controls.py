from __future__ import annotations

import numpy as np
import pytest

from artrt.engine.errors import UnknownStyleError, UsageError
from artrt.engine.looks.amounts import Amount
from artrt.engine.looks.controls import Caption, Controls, captioned
from artrt.engine.zoo.style import Style

VECTORS = {
    "a": np.array([0, 0], np.float32),
    "b": np.array([1, 2], np.float32),
    "c": np.array([4, 4], np.float32),
}


def resolve(name):
    if name not in VECTORS:
        raise UnknownStyleError(name, known=VECTORS)
    return VECTORS[name]


def controls(**options):
    return Controls(styles=list(VECTORS), resolve=resolve, style="a", **options)


def test_a_change_of_style_fades(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("artrt.engine.looks.controls.time.monotonic", lambda: now[0])
    subject = controls()
    np.testing.assert_allclose(subject.values()["style"], [0, 0])
    subject.set(style="b")
    for after, expected in [(0.0, 0.0), (0.125, 0.25), (0.25, 0.5), (0.5, 1.0), (9, 1.0)]:
        now[0] = 100.0 + after
        np.testing.assert_allclose(subject.values()["style"], expected * VECTORS["b"], atol=1e-6)


def test_a_second_change_fades_from_where_the_first_was(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("artrt.engine.looks.controls.time.monotonic", lambda: now[0])
    subject = controls()
    subject.set(style="b")
    now[0] = 0.25
    subject.set(style="c")
    np.testing.assert_allclose(subject.values()["style"], [0.5, 1.0])
    now[0] = 0.5
    np.testing.assert_allclose(subject.values()["style"], [2.25, 2.5])


def test_a_background_fades_in_from_the_style_and_back_to_it(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("artrt.engine.looks.controls.time.monotonic", lambda: now[0])
    subject = controls()
    assert "background" not in subject.values()
    subject.set(background="c")
    now[0] = 0.25
    np.testing.assert_allclose(subject.values()["background"], [2, 2])
    now[0] = 1.0
    np.testing.assert_allclose(subject.values()["background"], [4, 4])
    subject.set(background="")
    now[0] = 1.25
    np.testing.assert_allclose(subject.values()["background"], [2, 2])
    now[0] = 1.5
    assert "background" not in subject.values()
    assert subject.state.background == ""


def test_styles_are_stepped_through_in_a_circle():
    subject = controls()
    names = []
    for _ in range(4):
        subject.step_style(1)
        names.append(subject.state.style)
    subject.step_style(-1)
    assert [*names, subject.state.style] == ["b", "c", "a", "b", "a"]


def test_all_changes_or_none():
    subject = controls()
    with pytest.raises(UsageError, match="strength is 1.5"):
        subject.set(style="b", keep_salient=0.5, strength=1.5)
    with pytest.raises(UnknownStyleError, match="unknown style 'zz'"):
        subject.set(style="zz", strength=0.5)
    state = subject.state
    assert (state.style, state.numbers["strength"], state.numbers["keep_salient"]) == ("a", 1.0, 0.0)


def test_unknown_controls_are_named():
    with pytest.raises(UsageError, match="no control 'strenght'; did you mean 'strength'"):
        controls().set(strenght=1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 10**400, "much", None, [1]])
def test_not_a_fraction_is_refused(value):
    with pytest.raises(UsageError, match="expected 0 to 1"):
        controls().set(strength=value)


def test_switches():
    subject = controls(switches={"quantize": False})
    assert not subject.is_on("quantize")
    assert subject.is_on("stylize")
    subject.toggle("quantize")
    assert subject.is_on("quantize")
    subject.set(quantize=False)
    assert not subject.is_on("quantize")
    subject.toggle("nothing")


def test_amounts_of_effects_are_whole_numbers_within_their_limits():
    subject = controls()
    with pytest.raises(UsageError, match="colors cannot be changed: no loaded stage has this control"):
        subject.set(colors=8)
    subject.add_amounts({"colors": Amount(16, 2, 256)})
    assert subject.values()["colors"] == 16.0
    subject.set(colors=24.0)
    assert subject.state.amounts == {"colors": Amount(24, 2, 256)}
    for value in (1, 257, 2.5, float("nan"), "many", None):
        with pytest.raises(UsageError, match=r"colors is .*: expected a whole number from 2 to 256"):
            subject.set(strength=0.5, colors=value)
    assert (subject.values()["colors"], subject.state.numbers["strength"]) == (24.0, 1.0)


def test_styles_have_captions():
    styles = {
        "a-b": Style("a-b", np.ones(2, np.float32)),
        "c": Style("c", np.ones(2, np.float32), title="Sea", artist="X", year="1900"),
    }
    subject = Controls(styles=captioned(styles))
    assert subject.state.styles == ("a-b", "c")
    assert subject.captions == {"a-b": Caption("a b"), "c": Caption("Sea", "X", "1900")}
    assert controls().captions == {}


def test_names_need_a_resolver():
    with pytest.raises(UsageError, match="has no style names"):
        Controls(style="a")
    vector = Controls(style=np.ones(3, np.float32)).values()["style"]
    np.testing.assert_array_equal(vector, [1, 1, 1])
