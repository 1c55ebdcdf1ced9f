"""Files of one picture and of several: transparency, times, pages."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from artrt.engine.errors import OutputError
from artrt.engine.frame import encode_image
from artrt.engine.pictures.formats import IMAGE_SUFFIXES, KINDS
from artrt.engine.pictures.reading import PictureFile, Still
from artrt.engine.pictures.writing import encode_stills, write_stills

EXTRA_SAMPLES, STRAIGHT = 338, (2,)


@pytest.fixture
def stills(picture):
    return [Still(picture(12, 16, seed=k), None, seconds) for k, seconds in enumerate([0.04, 0.1, 0.25, 1.0])]


def test_a_tiff_says_that_its_alpha_is_straight(picture):
    alpha = picture(12, 16, seed=1)[..., 0]
    written = Image.open(io.BytesIO(encode_image(picture(12, 16), ".tif", alpha=alpha)))
    assert written.tag_v2[EXTRA_SAMPLES] == STRAIGHT
    assert np.array_equal(np.asarray(written), np.dstack([picture(12, 16)[..., ::-1], alpha]))


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_every_suffix_can_be_written(picture, suffix):
    file = PictureFile(encode_image(picture(12, 16), suffix), suffix)
    assert KINDS[file.suffix] == KINDS[suffix]
    assert file.first().image.shape == (12, 16, 3)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".apng"])
@pytest.mark.parametrize("plays", [0, 1, 3])
def test_an_animation_keeps_its_times_and_how_often_it_is_played(stills, suffix, plays):
    file = PictureFile(encode_stills(stills, suffix, plays=plays), suffix)
    read = list(file.stills())
    assert file.moving
    assert file.plays == plays
    assert [still.seconds for still in read] == pytest.approx([still.seconds for still in stills])
    for still, before in zip(read, stills, strict=True):
        assert np.abs(still.image.astype(int) - before.image).mean() < 12


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_an_animation_keeps_what_is_transparent(stills, suffix):
    holes = [np.full((12, 16), 255, np.uint8) for _ in stills]
    for number, hole in enumerate(holes):
        hole[number : number + 4] = 0
    clear = [Still(still.image, hole, still.seconds) for still, hole in zip(stills, holes, strict=True)]
    read = PictureFile(encode_stills(clear, suffix), suffix).stills()
    for still, hole in zip(read, holes, strict=True):
        assert np.array_equal(still.alpha, hole)


def test_pages_keep_their_sizes(picture):
    pages = [Still(picture(12, 16)), Still(picture(5, 7))]
    read = list(PictureFile(encode_stills(pages, ".tif"), "pages").stills())
    assert [still.image.shape for still in read] == [(12, 16, 3), (5, 7, 3)]
    assert np.array_equal(read[1].image, picture(5, 7))


def test_a_picture_that_the_format_cannot_hold_is_one_error():
    with pytest.raises(OutputError):
        encode_stills([Still(np.zeros((1, 17000, 3), np.uint8), None, 0.1)] * 2, ".webp")


def test_the_standard_output_takes_the_bytes_alone(picture, capfdbinary):
    write_stills("-", [Still(picture(5, 7))], suffix=".png")
    assert np.array_equal(PictureFile(capfdbinary.readouterr().out, "-").first().image, picture(5, 7))
