"""Whatever a user types: a value within its limits, or one error of usage; never anything else."""

from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from artrt.engine.effects.palettes import indexed_png, write_palette
from artrt.engine.errors import InputError, UsageError
from artrt.engine.frame import decode_image
from artrt.engine.looks.look import Effect
from artrt.engine.sources.base import Size
from artrt.engine.sources.scene import Scene
from artrt.engine.zoo.style import LARGEST_WEIGHT, parse_mix

#: Letters that parsers look at come more often than others.
TEXTS = st.text(st.one_of(st.sampled_from("0123456789x:+@.-ea/ %²٣"), st.characters()), max_size=20)
MANY_DIGITS = "9" * 5000


@settings(deadline=None)
@given(TEXTS)
@example(MANY_DIGITS)
@example(f"1x{MANY_DIGITS}")
def test_sizes(text):
    with suppress(UsageError):
        size = Size.parse(text)
        assert size.width > 0
        assert size.height is None or size.height > 0


@given(st.integers(1, 65_535), st.integers(1, 65_535))
def test_a_size_is_read_as_it_is_written(width, height):
    assert Size.parse(f"{width}x{height}") == Size(width, height)
    assert Size.parse(f"{width}X{height}").of(7, 9) == (width, height)
    assert min(Size.parse(f"{width}").of(50, 30)) in (width, width + 1, width - 1)


@settings(deadline=None)
@given(TEXTS)
@example(f"a:{MANY_DIGITS}")
def test_mixes(text):
    with suppress(UsageError):
        parts = parse_mix(text)
        assert parts
        for name, weight in parts:
            assert name
            assert 0 < weight <= LARGEST_WEIGHT


NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True)


@given(
    st.lists(st.tuples(NAMES, st.floats(0.001, 1000)), min_size=1, max_size=5, unique_by=lambda part: part[0])
)
def test_a_mix_is_read_as_it_is_written(parts):
    assert parse_mix("+".join(f"{name}:{weight!r}" for name, weight in parts)) == parts


@settings(deadline=None)
@given(TEXTS)
@example(MANY_DIGITS)
def test_amounts_of_effects(text):
    with suppress(UsageError):
        assert Effect.parse(text).amount >= 0


@settings(deadline=None)
@given(TEXTS)
@example(MANY_DIGITS)
@example("640x360@0")
@example(f"1x1?frames={MANY_DIGITS}")
def test_addresses_of_the_test_scene(text):
    with suppress(UsageError, InputError):
        scene = Scene.parse(f"test://{text}")
        assert scene.width > 0
        assert scene.height > 0
        assert scene.fps > 0


PALETTES = arrays.arrays(np.uint8, st.tuples(st.integers(1, 256), st.just(3)))


@settings(deadline=None, max_examples=30)
@given(PALETTES, st.data())
def test_a_palette_and_what_is_painted_with_it_come_back(palette, data):
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    labels = data.draw(arrays.arrays(np.uint8, shape, elements=st.integers(0, len(palette) - 1)))
    written = indexed_png(labels, palette)
    assert written is not None
    assert np.array_equal(decode_image(written)[0], palette[labels])


@pytest.mark.parametrize("suffix", [".json", ".gpl"])
@settings(deadline=None, max_examples=30)
@given(palette=PALETTES)
def test_a_palette_file_holds_every_colour(tmp_path_factory, suffix, palette):
    path = tmp_path_factory.mktemp("palette") / f"p{suffix}"
    write_palette(path, palette, counts=np.ones(len(palette), np.int64))
    if suffix == ".json":
        colours = [colour["rgb"] for colour in json.loads(path.read_text())["colors"]]
    else:
        colours = [[int(word) for word in line.split()[:3]] for line in path.read_text().splitlines()[4:]]
    assert colours == palette[:, ::-1].tolist()
