from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from artrt.engine.errors import InputError, IntegrityError, UnknownStyleError, UsageError
from artrt.engine.looks import building
from artrt.engine.looks.amounts import Amount, amounts_of
from artrt.engine.looks.building import build_chain
from artrt.engine.looks.controls import Caption
from artrt.engine.looks.look import NUMBERS, Effect, Look, look_of
from artrt.engine.looks.runner import Runner
from artrt.engine.looks.styling import model_file
from artrt.engine.stages.loading import load_stage
from artrt.engine.statistics import Statistics
from artrt.engine.zoo.style import save_style
from artrt.engine.zoo.zoo import Zoo
from support.models import INVERT, INVERT_SPEC, write_model


@pytest.fixture
def look(tiny_zoo):
    return Look("starry-night", provider="cpu", threads=1, zoo=Zoo(tiny_zoo))


@pytest.mark.parametrize(
    ("value", "effect"),
    [
        (16, Effect(16)),
        ("16", Effect(16)),
        ("16:before", Effect(16, "before")),
        ("800:after", Effect(800, "after")),
        (Effect(3, "after"), Effect(3, "after")),
    ],
)
def test_effect_is_read(value, effect):
    assert Effect.parse(value) == effect


@pytest.mark.parametrize("value", ["", "x", "-3", "1.5", "16:", "16:behind", "²"])
def test_wrong_effect_is_refused(value):
    with pytest.raises(UsageError, match="is not NUMBER, NUMBER:before or NUMBER:after"):
        Effect.parse(value)


def test_style_is_ready_to_use(look, picture):
    with build_chain(look) as chain:
        assert chain.name == "stylize"
        assert np.unique(chain(picture(4, 4))).tolist() == [102]  # starry-night is 0.4


def test_strength_is_applied(look):
    with build_chain(replace(look, strength=0.5)) as chain:
        assert chain(np.zeros((2, 2, 3), np.uint8)).max() == 51


def test_mix_is_applied(look, picture):
    with build_chain(replace(look, style="great-wave+the-scream")) as chain:
        assert chain(picture(4, 4)).max() == 102


def test_saliency_joins_when_something_is_kept(look):
    image = np.full((4, 4, 3), 51, np.uint8)
    with build_chain(replace(look, style="udnie", keep_salient=0.5)) as chain:
        assert chain.name == "saliency+stylize"
        assert chain(image).max() == round(51 + 0.9 * (204 - 51))
    with build_chain(replace(look, switchable=True)) as chain:
        assert chain.name == "saliency+quantize+superpixels+stylize"


@pytest.mark.parametrize(
    ("quantize", "superpixels", "style", "names", "level"),
    [
        (Effect(10), None, "none", "quantize", 100 + 10),
        (Effect(10), Effect(7), "none", "quantize+superpixels", (100 + 10) // 2 + 7),
        (Effect(10, "after"), Effect(7), "none", "superpixels+quantize", 100 // 2 + 7 + 10),
        (Effect(10, "after"), None, "starry-night", "stylize+quantize", 102 + 10),
        (Effect(10), Effect(8, "after"), "starry-night", "quantize+stylize+superpixels", 102 // 2 + 8),
    ],
)
def test_effects_come_before_or_after_the_style(look, quantize, superpixels, style, names, level):
    with build_chain(replace(look, style=style, quantize=quantize, superpixels=superpixels)) as chain:
        assert chain.name == names
        assert np.unique(chain(np.full((4, 4, 3), 100, np.uint8))).tolist() == [level]


@pytest.mark.parametrize("colors", [0, 1, 257])
def test_amount_out_of_range_is_refused(look, colors):
    with pytest.raises(UsageError, match=f"quantize: colors go from 2 to 256, got {colors}"):
        build_chain(replace(look, quantize=Effect(colors)))


def test_failed_chain_closes_what_it_opened(look, monkeypatch):
    opened = []

    def load(*arguments, **settings):
        opened.append(load_stage(*arguments, **settings))
        return opened[-1]

    monkeypatch.setattr(building, "load_stage", load)
    with pytest.raises(UsageError, match="superpixels: regions go from"):
        build_chain(replace(look, quantize=Effect(16), superpixels=Effect(0)))
    assert [stage.name for stage in opened] == ["quantize", "superpixels"]
    for stage in opened:
        with pytest.raises(RuntimeError, match="closed"):
            stage(np.zeros((2, 2, 3), np.uint8))


def test_no_style_and_no_effect_is_an_empty_chain(look, picture):
    with build_chain(replace(look, style="none")) as chain:
        assert chain.name == "none"
        assert np.array_equal(chain(picture(4, 4)), picture(4, 4))


def test_unknown_style_comes_before_any_loading(look):
    with pytest.raises(UnknownStyleError, match="did you mean 'udnie'"):
        build_chain(replace(look, style="udny", model="missing.onnx"))


def test_style_of_another_trunk_is_refused(look, tiny_zoo, tmp_path):
    style = replace(Zoo(tiny_zoo).style("udnie"), trunk="cd" * 32)
    save_style(tmp_path / "mine.safetensors", style)
    with pytest.raises(IntegrityError, match="style 'udnie' belongs to trunk cdcdcdcd"):
        build_chain(replace(look, style=str(tmp_path / "mine.safetensors")))


def test_model_by_name_and_by_path(look, tiny_zoo, tmp_path):
    assert model_file("small", look.zoo) == tiny_zoo / "stylize-small.onnx"
    path = write_model(tmp_path / "a.onnx", INVERT, INVERT_SPEC)
    assert model_file(str(path), look.zoo) == path
    with pytest.raises(InputError, match="no model file"):
        model_file("missing/a.onnx", look.zoo)
    with pytest.raises(UsageError, match="unknown model 'smal'; did you mean 'small'"):
        model_file("smal", look.zoo)


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_have_a_range_a_default_and_a_help(name):
    number = NUMBERS[name]
    assert number.minimum <= number.default <= number.maximum
    assert number.help.endswith(".")
    with pytest.raises(UsageError, match=f"{name} is nan: expected"):
        Look(**{name: float("nan")})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "deploy", "quantize": 16}, "choose quantize and superpixels at `artrt export`"),
        ({"engine": "deploy", "model": "base"}, "'deploy' has its own model"),
        ({"quantize": "16:behind"}, "is not NUMBER"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        Look(**options)


def test_effects_are_given_as_number_or_text():
    look = Look(quantize=16, superpixels="800:after")
    assert look.effects == {"quantize": Effect(16), "superpixels": Effect(800, "after")}


def test_a_look_by_name_by_path_and_changed(tmp_path):
    assert look_of("udnie", strength=0.5) == Look("udnie", strength=0.5)
    assert look_of(Look("udnie"), strength=0.5).strength == 0.5
    assert look_of(None).style is None
    (tmp_path / "manifest.json").write_text("{}")
    assert look_of(tmp_path).engine == str(tmp_path)


@pytest.mark.parametrize(("style", "name"), [("none", "strength"), ("none", "keep_salient")])
def test_a_number_that_nothing_obeys_is_refused(look, style, name):
    with pytest.raises(UsageError, match=f"{name} 0.5 was requested: it changes nothing without a style"):
        build_chain(replace(look, style=style, **{name: 0.5}))


def test_a_switchable_look_loads_every_file_once(look, monkeypatch):
    from artrt.engine.zoo import zoo as module

    loaded = []
    load = module.load_style
    monkeypatch.setattr(module, "load_style", lambda path: loaded.append(str(path)) or load(path))
    chain, controls = building.open_look(replace(look, style="great-wave:0.5+udnie:0.5", switchable=True))
    with chain:
        assert len(loaded) == len(set(loaded)) == len(controls.state.styles)
        assert controls.state.switches == {
            "saliency": True,
            "quantize": False,
            "superpixels": False,
            "stylize": True,
        }
        assert controls.state.style == "great-wave:0.5+udnie:0.5"
        assert controls.captions["udnie"] == Caption("Udnie", "A. Painter", "1900")


@pytest.mark.parametrize("style", ["starry-night", "none"])
def test_amounts_of_a_look_change_between_two_frames(look, style, picture):
    chain, controls = building.open_look(replace(look, style=style, quantize="8:after", switchable=True))
    with chain:
        assert controls.state.amounts == {"colors": Amount(8, 2, 256), "regions": Amount(600, 1, 9000)}
        runner = Runner([chain], controls=controls, statistics=Statistics())
        image = picture() // 2
        before = runner(image).astype(int)
        controls.set(colors=20)
        assert (runner(image).astype(int) - before).min() > 0  # this zoo's stage adds the number of colours


def test_an_exported_effect_of_a_fixed_amount_has_none(look):
    assert amounts_of([lambda image: image], {}) == {}
    with build_chain(replace(look, style="none", quantize=8)) as chain:
        assert amounts_of([chain], {"colors": 8.0}) == {"colors": Amount(8, 2, 256)}
        chain.stages[0].spec = replace(chain.stages[0].spec, controls={})
        assert amounts_of([chain], {"colors": 8.0}) == {}
