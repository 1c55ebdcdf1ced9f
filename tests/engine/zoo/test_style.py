from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from artrt.engine.errors import InputError, IntegrityError, UsageError
from artrt.engine.zoo.style import (
    Style,
    load_style,
    mix,
    normalise_weights,
    parse_mix,
    require_trunk,
    save_style,
)

STYLE = Style(
    "dawn",
    np.array([1, 2, 3], np.float32),
    trunk="ab" * 32,
    title="Dawn",
    artist="Anna Ancher",
    year="1899",
    public_domain="the painter died in 1935",
    source="somewhere",
    licence="Apache-2.0",
    training={"steps": 100},
    losses={"style": 0.05},
)


def test_file_round_trip(tmp_path):
    save_style(tmp_path / "dawn.safetensors", STYLE)
    read = load_style(tmp_path / "dawn.safetensors")
    assert np.array_equal(read.vector, STYLE.vector)
    assert replace(read, vector=STYLE.vector).__repr__() == STYLE.__repr__()
    for name in (
        "title",
        "artist",
        "year",
        "public_domain",
        "source",
        "licence",
        "trunk",
        "training",
        "losses",
    ):
        assert getattr(read, name) == getattr(STYLE, name)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="no style file"):
        load_style(tmp_path / "no.safetensors")


def test_other_file_is_no_style(tmp_path):
    (tmp_path / "a.safetensors").write_text("something else")
    with pytest.raises(InputError, match="is not a style file"):
        load_style(tmp_path / "a.safetensors")


def test_other_tensors_are_no_style(tmp_path):
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(3, np.float32)}, tmp_path / "trunk.safetensors")
    with pytest.raises(InputError, match="is not a style file"):
        load_style(tmp_path / "trunk.safetensors")


@pytest.mark.parametrize("vector", [np.zeros((2, 2), np.float32), np.zeros(3), np.zeros(0, np.float32)])
def test_vector_must_be_float32_of_rank_one(vector):
    with pytest.raises(UsageError, match=r"a style is float32 \[D\]"):
        Style("a", vector)


def test_vector_must_be_finite():
    with pytest.raises(UsageError, match="'a' holds values that are not finite"):
        Style("a", np.array([np.nan], np.float32))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a", [("a", 1.0)]),
        ("a:0.7+b:0.3", [("a", 0.7), ("b", 0.3)]),
        ("a + b", [("a", 1.0), ("b", 1.0)]),
        ("dir/x.safetensors:2+b", [("dir/x.safetensors", 2.0), ("b", 1.0)]),
    ],
)
def test_mix_is_read(text, parts):
    assert parse_mix(text) == parts


@pytest.mark.parametrize(
    "text", ["", "a+", "a:", "a:x", "a:0", "a:-1", "a:inf", "a:nan", "a:1e308+b:1e308", ":1"]
)
def test_wrong_mix_is_refused(text):
    with pytest.raises(UsageError, match=r"WEIGHT|is not a weight"):
        parse_mix(text)


def test_style_named_twice_is_refused():
    with pytest.raises(UsageError, match="names a style twice"):
        parse_mix("a:0.5+a:0.5")


def test_weights_are_normalised_and_said_so():
    assert normalise_weights([0.7, 0.3]) == ([0.7, 0.3], None)
    assert normalise_weights([1, 1]) == ([0.5, 0.5], None)
    weights, notice = normalise_weights([2, 1])
    assert weights == [2 / 3, 1 / 3]
    assert notice == "style weights 2 + 1 sum to 3; using 0.667 + 0.333"


def test_mix_is_the_weighted_sum():
    other = replace(STYLE, name="dusk", title="Dusk", vector=np.array([3, 2, 1], np.float32))
    mixed = mix([STYLE, other], [3, 1])
    assert mixed.vector.tolist() == [1.5, 2, 2.5]
    assert mixed.vector.dtype == np.float32
    assert (mixed.name, mixed.title, mixed.trunk) == ("dawn:0.75+dusk:0.25", "Dawn; Dusk", STYLE.trunk)


def test_mix_of_one_is_that_one():
    assert mix([STYLE], [0.3]) is STYLE


def test_styles_of_different_trunks_do_not_mix():
    with pytest.raises(
        IntegrityError, match=r"styles of different trunks cannot be mixed: 'dawn' \(abababab\), 'b'"
    ):
        mix([STYLE, replace(STYLE, name="b", trunk="cd" * 32)], [1, 1])


def test_style_of_another_trunk_is_refused_by_name():
    require_trunk(STYLE, "ab" * 32)
    with pytest.raises(
        IntegrityError, match="style 'dawn' belongs to trunk abababab, but the model's trunk is cdcdcdcd"
    ):
        require_trunk(STYLE, "cd" * 32)


def write(path, tensors, **metadata):
    from safetensors.numpy import save_file

    save_file(tensors, path, metadata=metadata or None)
    return path


VECTOR = np.zeros(8, np.float32)


@pytest.mark.parametrize(
    ("tensors", "metadata", "match"),
    [
        ({"style": np.zeros(8, np.int32)}, {}, "its values are I32, expected F32"),
        ({"style": np.zeros(8, np.float16)}, {}, "its values are F16, expected F32"),
        ({"style": VECTOR + 1e30}, {}, "not finite, or beyond 1000"),
        ({"style": VECTOR * np.nan}, {}, "not finite, or beyond 1000"),
        ({"style": VECTOR - np.inf}, {}, "not finite, or beyond 1000"),
        ({"style": np.zeros((2, 4), np.float32)}, {}, r"float32 \[D\], got float32 \[2, 4\]"),
        ({"style": np.zeros(0, np.float32)}, {}, r"float32 \[D\]"),
        ({"style": np.zeros(1_000_000, np.float32)}, {}, "larger than 1 MB"),
        ({"style": VECTOR}, {"title": "x" * 2_000_000}, "larger than 1 MB"),
        ({"style": VECTOR}, {"training": "no JSON"}, "malformed"),
        ({"style": VECTOR}, {"losses": "[1]"}, "Expected `object`"),
        ({"style": VECTOR}, {"training": '{"a":' * 100_000}, "not a style file"),
        ({"other": VECTOR}, {}, "not a style file"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_is_no_style_is_refused(tmp_path, tensors, metadata, match):
    path = write(tmp_path / "forged.safetensors", tensors, **metadata)
    with pytest.raises(InputError, match=match):
        load_style(path)


def test_texts_of_a_file_cannot_steer_a_terminal(tmp_path):
    path = write(
        tmp_path / "forged.safetensors",
        {"style": VECTOR},
        title="\x1b[2Jnothing\x07\u202e",
        training='{"a\\u001b[0m": ["\\u0007", {"b": "\\u009b"}], "steps": 5}',
    )
    style = load_style(path)
    assert style.title == "�[2Jnothing��"
    assert style.training == {"a�[0m": ["�", {"b": "�"}], "steps": 5}
