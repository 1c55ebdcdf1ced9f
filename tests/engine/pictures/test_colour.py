"""Colour profiles: what a camera or phone tagged comes in as sRGB."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from artrt.engine.frame import read_image, read_image_with_alpha
from artrt.engine.pictures.colour import srgb_of
from support.profiles import ADOBE_RGB, DISPLAY_P3, of_srgb

WITHIN = 3  # mean levels of 255


def mean_error(read, image):
    return np.abs(read.astype(int) - image).mean()


@pytest.fixture
def vivid(picture):
    """Colours that both profiles have."""
    return (picture(40, 60) * 0.8 + 20).astype(np.uint8)


@pytest.mark.parametrize("profile", [DISPLAY_P3, ADOBE_RGB], ids=["p3", "adobe"])
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
def test_a_profile_is_converted(tmp_path, vivid, profile, name):
    tagged = of_srgb(vivid, profile)
    settings = {"lossless": True} if name == "a.webp" else {"quality": 97} if name == "a.jpg" else {}
    tagged.save(tmp_path / name, icc_profile=profile, **settings)
    assert mean_error(np.asarray(tagged)[..., ::-1], vivid) > 2 * WITHIN  # unconverted it would be wrong
    assert mean_error(read_image(tmp_path / name), vivid) <= WITHIN


def test_alpha_is_not_touched_by_the_conversion(tmp_path, vivid, picture):
    alpha = picture(40, 60, seed=1)[..., 0]
    tagged = of_srgb(vivid, DISPLAY_P3)
    tagged.putalpha(Image.fromarray(alpha))
    tagged.save(tmp_path / "a.png", icc_profile=DISPLAY_P3)
    read, read_alpha = read_image_with_alpha(tmp_path / "a.png")
    assert mean_error(read, vivid) <= WITHIN
    assert np.array_equal(read_alpha, alpha)


def test_grey_with_a_gamma_of_its_own(tmp_path):
    levels = np.tile(np.arange(256, dtype=np.uint8), (4, 1))
    linear = ImageCms.createProfile("sRGB")
    grey = _grey_profile()
    Image.fromarray(levels).save(tmp_path / "grey.png", icc_profile=grey)
    wanted = ImageCms.profileToProfile(
        Image.fromarray(levels), ImageCms.ImageCmsProfile(io.BytesIO(grey)), linear, outputMode="RGB"
    )
    assert mean_error(np.asarray(wanted)[..., 0], levels) > WITHIN
    assert mean_error(read_image(tmp_path / "grey.png"), np.asarray(wanted)[..., ::-1]) == 0


def test_a_profile_that_is_srgb_changes_nothing(vivid):
    same = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert srgb_of(vivid, same) is vivid


@pytest.mark.parametrize(
    "damaged", [b"", b"no profile", DISPLAY_P3[:200], DISPLAY_P3[:16] + b"CMYK" + DISPLAY_P3[20:]]
)
def test_a_damaged_profile_or_one_of_other_colours_changes_nothing(vivid, damaged):
    assert np.array_equal(srgb_of(vivid, damaged), vivid)


def _grey_profile() -> bytes:
    """A grey profile with a gamma of 1.0: the white point and one curve."""
    import struct

    white = b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in (0.9642, 1, 0.8249)))
    curve = struct.pack(">4sII", b"curv", 0, 0)
    start = 132 + 2 * 12
    table = struct.pack(">4sII4sII", b"wtpt", start, 20, b"kTRC", start + 20, 12)
    head = (
        struct.pack(">I4sI4s4s4s12x4s28x", start + 32, b"", 0x02100000, b"mntr", b"GRAY", b"XYZ ", b"acsp")
        + white[8:]
    )
    return head + bytes(128 - len(head)) + struct.pack(">I", 2) + table + white + curve
