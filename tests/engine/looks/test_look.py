from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from artrt.engine.errors import InputError, IntegrityError, UnknownStyleError, UsageError
from artrt.engine.looks.look import ChainOptions, Effect, build_chain, model_file
from artrt.engine.stages.loading import load_stage
from artrt.engine.zoo.style import save_style
from artrt.engine.zoo.zoo import Zoo
from support.models import INVERT, INVERT_SPEC, write_model


@pytest.fixture
def options(tiny_zoo):
    return ChainOptions(style="starry-night", provider="cpu", threads=1, zoo=Zoo(tiny_zoo))


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


def test_style_is_ready_to_use(options, picture):
    with build_chain(options) as chain:
        assert chain.name == "stylize"
        assert np.unique(chain(picture(4, 4))).tolist() == [102]  # starry-night is 0.4


def test_strength_is_applied(options):
    with build_chain(replace(options, strength=0.5)) as chain:
        assert chain(np.zeros((2, 2, 3), np.uint8)).max() == 51


def test_mix_is_applied(options, picture):
    with build_chain(replace(options, style="great-wave+the-scream")) as chain:
        assert chain(picture(4, 4)).max() == 102


def test_saliency_joins_when_something_is_kept(options):
    image = np.full((4, 4, 3), 51, np.uint8)
    with build_chain(replace(options, style="udnie", keep_salient=0.5)) as chain:
        assert chain.name == "saliency+stylize"
        assert chain(image).max() == round(51 + 0.9 * (204 - 51))
    with build_chain(replace(options, saliency=True)) as chain:
        assert chain.name == "saliency+stylize"


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
def test_effects_come_before_or_after_the_style(options, quantize, superpixels, style, names, level):
    with build_chain(replace(options, style=style, quantize=quantize, superpixels=superpixels)) as chain:
        assert chain.name == names
        assert np.unique(chain(np.full((4, 4, 3), 100, np.uint8))).tolist() == [level]


@pytest.mark.parametrize("colors", [0, 1, 257])
def test_amount_out_of_range_is_refused(options, colors):
    with pytest.raises(UsageError, match=f"quantize: colors go from 2 to 256, got {colors}"):
        build_chain(replace(options, quantize=Effect(colors)))


def test_failed_chain_closes_what_it_opened(options, monkeypatch):
    opened = []
    from artrt.engine.looks import look as chains

    def load(*arguments, **settings):
        opened.append(load_stage(*arguments, **settings))
        return opened[-1]

    monkeypatch.setattr(chains, "load_stage", load)
    with pytest.raises(UsageError, match="superpixels: regions go from"):
        build_chain(replace(options, quantize=Effect(16), superpixels=Effect(0)))
    assert [stage.name for stage in opened] == ["quantize", "superpixels"]
    for stage in opened:
        with pytest.raises(RuntimeError, match="closed"):
            stage(np.zeros((2, 2, 3), np.uint8))


def test_no_style_and_no_effect_is_an_empty_chain(options, picture):
    with build_chain(replace(options, style="none")) as chain:
        assert chain.name == "none"
        assert np.array_equal(chain(picture(4, 4)), picture(4, 4))


def test_unknown_style_comes_before_any_loading(options):
    with pytest.raises(UnknownStyleError, match="did you mean 'udnie'"):
        build_chain(replace(options, style="udny", model="missing.onnx"))


def test_style_of_another_trunk_is_refused(options, tiny_zoo, tmp_path):
    style = replace(Zoo(tiny_zoo).style("udnie"), trunk="cd" * 32)
    save_style(tmp_path / "mine.safetensors", style)
    with pytest.raises(IntegrityError, match="style 'udnie' belongs to trunk cdcdcdcd"):
        build_chain(replace(options, style=str(tmp_path / "mine.safetensors")))


def test_model_by_name_and_by_path(options, tiny_zoo, tmp_path):
    assert model_file("small", options.zoo) == tiny_zoo / "stylize-small.onnx"
    path = write_model(tmp_path / "a.onnx", INVERT, INVERT_SPEC)
    assert model_file(str(path), options.zoo) == path
    with pytest.raises(InputError, match="no model file"):
        model_file("missing/a.onnx", options.zoo)
    with pytest.raises(UsageError, match="unknown model 'smal'; did you mean 'small'"):
        model_file("smal", options.zoo)
