from __future__ import annotations

import numpy as np
import pytest

from artrt.engine.errors import InputError, ParityError
from artrt.export.parity import TOLERANCES, Tolerance, compare, measure, psnr_db, require
from artrt.export.pictures import real_pictures


def test_equal_pictures_have_99_db(picture):
    photo = picture()
    assert psnr_db(photo, photo) == 99.0


def test_psnr_is_that_of_the_mean_square():
    black, grey = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 5, np.uint8)
    assert psnr_db(black, grey) == pytest.approx(20 * np.log10(255 / 5))


def test_the_worst_picture_counts(picture):
    photo = picture()
    worse = photo.copy()
    worse[0, 0] ^= 64
    parity = compare([(photo, photo), (photo, worse)])
    assert parity.max_abs == 64
    assert parity.pictures == 2
    assert parity.psnr_db < 99


@pytest.mark.parametrize(
    ("tolerance", "match"),
    [
        (Tolerance(60.0), "PSNR"),
        (Tolerance(10.0, max_abs=2), "largest difference 40"),
        (Tolerance(10.0, style_loss=-1.0), "style loss"),
    ],
)
def test_outside_the_tolerance_is_an_error(picture, tolerance, match):
    photo = picture() // 2
    parity = measure(lambda p: p, lambda p: p + 40, [photo])
    with pytest.raises(ParityError, match=match):
        require(parity, tolerance, what="the test")


def test_other_sizes_are_an_error(picture):
    with pytest.raises(ParityError, match="gives"):
        measure(lambda p: p, lambda p: p[1:], [picture()])


def test_the_tolerances_are_those_that_are_promised():
    assert TOLERANCES["fp32"] == Tolerance(45.0, max_abs=2)
    assert TOLERANCES["fp16"].psnr_db == 40
    assert TOLERANCES["int8"] == Tolerance(30.0, style_loss=0.10)


def test_sample_pictures_are_photographs_of_bounded_size():
    pytest.importorskip("skimage")
    pictures = real_pictures(limit=3, longest_px=100)
    assert [max(picture.shape[:2]) for picture in pictures] == [100, 100, 100]
    assert all(picture.dtype == np.uint8 and picture.std() > 20 for picture in pictures)


def test_a_folder_without_pictures_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no picture"):
        real_pictures(tmp_path)
    with pytest.raises(InputError, match="no folder"):
        real_pictures(tmp_path / "none")
