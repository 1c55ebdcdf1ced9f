"""Styles of pictures: at every place that takes a style, at every size, and one clear line for what is none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

import artrt
from artrt.engine.errors import InputError, IntegrityError, UnsupportedImageError, UsageError
from artrt.engine.frame import write_image
from artrt.engine.looks.look import look_of
from artrt.engine.zoo.picture_style import PictureStyles, read_painting
from artrt.engine.zoo.zoo import Zoo
from support.models import INVERT, INVERT_SPEC, TRUNK, write_model, write_style_encoder

RED, GREY = (0, 0, 255), (128, 128, 128)


def picture(color=RED, *, height=96, width=128):
    return np.full((height, width, 3), color, np.uint8)


@pytest.fixture
def painting(tmp_path, use_tiny_zoo):
    path = tmp_path / "red.png"
    write_image(path, picture())
    return path


def test_a_picture_stands_where_a_style_is_named(painting):
    style = Zoo().style(str(painting))
    assert (style.name, style.trunk) == ("red", TRUNK)
    np.testing.assert_allclose(style.vector, [0, 0, 1, 1 / 3], atol=1e-6)


def test_a_mix_of_a_picture_and_a_name(painting):
    mixed, _ = Zoo().mix(f"{painting}:0.75+udnie:0.25")
    np.testing.assert_allclose(mixed.vector, [0.2, 0.2, 0.95, 0.45], atol=1e-6)


@pytest.mark.parametrize("name", ["a+b.png", "a:0.5.png", "c:d.png"])
def test_names_with_the_signs_of_a_mix(tmp_path, use_tiny_zoo, name):
    write_image(tmp_path / name, picture())
    assert Zoo().mix(str(tmp_path / name))[0].vector[2] == pytest.approx(1)


def test_a_stylizer_takes_a_path_and_an_array_and_changes_to_a_picture(painting):
    photo = picture(GREY)
    with artrt.Stylizer(painting) as by_path, artrt.Stylizer(picture()) as by_array:
        np.testing.assert_array_equal(by_path(photo), by_array(photo))
        by_array.style = "udnie"
        assert by_array(photo)[0, 0, 0] == 204
        by_array.style = str(painting)
        np.testing.assert_array_equal(by_path(photo), by_array(photo))
    with artrt.Stylizer(picture()[:, :, ::-1], rgb=True) as as_rgb:
        np.testing.assert_array_equal(as_rgb(photo), by_path_again(painting, photo))


def by_path_again(painting, photo):
    with artrt.Stylizer(painting) as stylizer:
        return stylizer(photo)


def test_pictures_are_seen_at_the_size_of_the_training_and_scaled(use_tiny_zoo, monkeypatch):
    encoder = PictureStyles(use_tiny_zoo / "style-small.onnx")
    seen = []
    run = encoder._session.run
    monkeypatch.setattr(
        encoder._session, "run", lambda feeds: seen.append(feeds["painting"].shape[:2]) or run(feeds)
    )
    for height, width, scale in (
        (600, 1200, 1),
        (600, 1200, 2),
        (600, 1200, 0.5),
        (64, 64, 1),
        (64, 6400, 1),
    ):
        encoder.read(picture(height=height, width=width), name="x", scale=scale)
    assert seen == [(64, 128), (128, 256), (64, 128), (64, 64), (64, 6400)]


def test_what_is_transparent_is_white(tmp_path):
    pixels = np.zeros((80, 80, 4), np.uint8)
    pixels[:40, :, 3] = 255
    cv2.imwrite(str(tmp_path / "half.png"), pixels)
    seen = read_painting(tmp_path / "half.png")
    assert (seen[:40] == 0).all()
    assert (seen[40:] == 255).all()


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda path: write_image(path, picture(height=16, width=16)), UnsupportedImageError, "16x16"),
        (lambda path: path.write_text("not a picture"), InputError, "painting.png"),
        (lambda path: None, InputError, "painting.png"),
    ],
)
def test_what_is_no_painting_is_one_line(tmp_path, use_tiny_zoo, make, kind, words):
    path = tmp_path / "painting.png"
    make(path)
    with pytest.raises(kind, match=words) as caught:
        Zoo().style(str(path))
    assert "\n" not in str(caught.value)


def test_a_scale_out_of_range(painting):
    with pytest.raises(UsageError, match="0.25 to 4"):
        look_of(str(painting), style_scale=9)


def test_a_model_that_is_no_encoder(tmp_path):
    with pytest.raises(IntegrityError, match="not a style encoder"):
        PictureStyles(write_model(tmp_path / "other.onnx", INVERT, INVERT_SPEC))


def test_a_picture_read_for_another_trunk_is_refused(tmp_path, use_tiny_zoo):
    other = PictureStyles(write_style_encoder(tmp_path / "style.onnx", trunk="cd" * 32))
    with pytest.raises(IntegrityError, match="belongs to trunk cdcdcdcd"):
        artrt.Stylizer(other.read(picture(), name="other"))
