from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest

from artrt.engine.sources import Size, SourceOptions, open_source
from support.footage import patches, write_footage

UNIT = 1 << 16


def read_one(path, **options):
    source = open_source(path, options=SourceOptions(**options))
    frame = source.read()
    source.close()
    return frame, source.info


@pytest.mark.parametrize(
    ("entries", "shown"),
    [
        ((1, 0, 0, 1), lambda image: image),
        ((-1, 0, 0, 1), lambda image: image[:, ::-1]),
        ((1, 0, 0, -1), lambda image: image[::-1]),
        ((-1, 0, 0, -1), lambda image: image[::-1, ::-1]),
        ((0, 1, 1, 0), lambda image: image.transpose(1, 0, 2)),
        ((0, -1, -1, 0), lambda image: image.transpose(1, 0, 2)[::-1, ::-1]),
        ((0, 1, -1, 0), lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE)),
        ((0, -1, 1, 0), lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE)),
    ],
)
def test_the_whole_display_matrix_is_applied(tmp_path, entries, shown):
    a, b, c, d = (entry * UNIT for entry in entries)
    stored = patches(5)
    clip = write_footage(
        tmp_path / "a.mp4",
        [stored] * 2,
        layout="yuv444p",
        crf="5",
        prepare=lambda stream: stream.set_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30]),
    )
    frame, info = read_one(clip)
    assert (info.height, info.width) == frame.image.shape[:2]
    assert np.abs(frame.image.astype(float) - shown(stored)).mean() < 6


def anamorphic(path, aspect, *, matrix=None):
    def prepare(stream):
        stream.codec_context.sample_aspect_ratio = aspect
        if matrix is not None:
            stream.set_display_matrix(matrix)

    return write_footage(path, [patches(1)] * 2, prepare=prepare)  # 96x64


def test_pixels_become_square(tmp_path):
    frame, info = read_one(anamorphic(tmp_path / "wide.mp4", Fraction(4, 3)))
    assert (frame.image.shape[:2], info.aspect) == ((64, 128), 1)
    frame, info = read_one(anamorphic(tmp_path / "tall.mp4", Fraction(2, 3)))
    assert (frame.image.shape[:2], info.aspect) == ((96, 96), 1)


def test_pixels_are_left_where_the_output_can_say_their_shape(tmp_path):
    clip = anamorphic(tmp_path / "a.mp4", Fraction(4, 3))
    frame, info = read_one(clip, square_pixels=False)
    assert (frame.image.shape[:2], info.aspect) == ((64, 96), Fraction(4, 3))
    frame, info = read_one(clip, square_pixels=False, size=Size(32))
    assert (frame.image.shape[:2], info.aspect) == ((32, 48), Fraction(4, 3))
    frame, info = read_one(clip, square_pixels=False, size=Size(64, 36))
    assert (frame.image.shape[:2], info.aspect) == ((36, 64), 1)


def test_a_turned_clip_has_turned_pixels(tmp_path):
    quarter = [0, UNIT, 0, -UNIT, 0, 0, 0, 0, 1 << 30]
    clip = anamorphic(tmp_path / "a.mp4", Fraction(4, 3), matrix=quarter)
    frame, info = read_one(clip, square_pixels=False)
    assert (frame.image.shape[:2], info.aspect) == ((96, 64), Fraction(3, 4))
    frame, info = read_one(clip)
    assert (frame.image.shape[:2], info.aspect) == ((128, 64), 1)
    assert read_one(clip, size=Size(32))[0].image.shape[:2] == (64, 32)


def test_a_shape_of_pixels_that_cannot_be_is_ignored(tmp_path):
    frame, info = read_one(anamorphic(tmp_path / "a.mp4", Fraction(100, 1)), square_pixels=False)
    assert (frame.image.shape[:2], info.aspect) == ((64, 96), 1)
