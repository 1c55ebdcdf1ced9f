from __future__ import annotations

import cv2
import numpy as np
import pytest

from artrt.engine.errors import InputError, OutputError, UnsupportedImageError
from artrt.engine.frame import Frame, check_image, read_image, read_image_with_alpha, reduced, write_image


def test_frame_shows_its_shape_instead_of_pixels(picture):
    assert repr(Frame(picture(4, 6), index=3, time_seconds=0.12)) == "Frame(6x4, index=3, time_seconds=0.120)"


@pytest.mark.parametrize(
    ("image", "hint"),
    [
        (np.zeros((4, 4, 3), np.float32), r"got float32 \[4, 4, 3\]; floats in \[0, 1\] become uint8"),
        (np.zeros((4, 4), np.uint8), r"got uint8 \[4, 4\]; a grey picture becomes BGR"),
        (np.zeros((3, 8, 8), np.uint8), r"\[3, 8, 8\]; channels come last"),
        (np.zeros((1, 4, 4, 3), np.uint8), "without a batch dimension"),
        (np.zeros((0, 4, 3), np.uint8), r"got uint8 \[0, 4, 3\]"),
        ([[0]], "got list"),
    ],
)
def test_anything_else_is_refused_with_the_likely_slip(image, hint):
    with pytest.raises(UnsupportedImageError, match=hint):
        check_image(image)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff"])
def test_lossless_round_trip(tmp_path, picture, suffix):
    image = picture(17, 23)
    write_image(tmp_path / f"a{suffix}", image)
    assert np.array_equal(read_image(tmp_path / f"a{suffix}"), image)


def test_jpeg_round_trip_is_close(tmp_path, picture):
    image = picture(64, 64)
    write_image(tmp_path / "a.jpg", image)
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - image).mean() < 3


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_alpha_survives(tmp_path, picture, suffix):
    image, alpha = picture(16, 16), picture(16, 16, seed=1)[:, :, 0]
    write_image(tmp_path / f"a{suffix}", image, alpha=alpha)
    _, read = read_image_with_alpha(tmp_path / f"a{suffix}")
    assert np.array_equal(read, alpha)


def test_alpha_is_dropped_where_the_format_has_none(tmp_path, picture):
    write_image(tmp_path / "a.jpg", picture(8, 8), alpha=np.zeros((8, 8), np.uint8))
    assert read_image_with_alpha(tmp_path / "a.jpg")[1] is None


def test_grey_is_spread_over_three_channels(tmp_path, picture):
    grey = picture(9, 7)[:, :, 0]
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    assert np.array_equal(read_image(tmp_path / "grey.png"), np.dstack([grey] * 3))


def test_sixteen_bits_are_rounded_to_eight(tmp_path, picture):
    image = picture(9, 7)
    cv2.imwrite(str(tmp_path / "deep.png"), image.astype(np.uint16) * 257 + (image < 128) * np.uint16(100))
    assert np.array_equal(read_image(tmp_path / "deep.png"), image)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_exif_orientation_is_applied(tmp_path, picture, suffix):
    image = picture(32, 64)
    with_exif = _with_orientation(image, suffix, orientation=6)  # turned by 90 degrees clockwise when shown
    (tmp_path / f"a{suffix}").write_bytes(with_exif)
    shown = read_image(tmp_path / f"a{suffix}")
    assert shown.shape == (64, 32, 3)
    assert np.abs(shown.astype(int) - np.rot90(image, -1)).mean() < 4


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match=r"cannot read .*nothing.jpg: No such file"):
        read_image(tmp_path / "nothing.jpg")


def test_empty_file(tmp_path):
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(InputError, match="the file is empty"):
        read_image(tmp_path / "empty.jpg")


def test_text_named_as_a_picture(tmp_path):
    (tmp_path / "text.jpg").write_text("not a picture")
    with pytest.raises(InputError, match="not a picture that can be decoded"):
        read_image(tmp_path / "text.jpg")


def test_folder_in_place_of_a_picture(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        read_image(tmp_path)


def test_unknown_suffix_is_refused(tmp_path, picture):
    with pytest.raises(OutputError, match="unknown picture format '.xyz'"):
        write_image(tmp_path / "a.xyz", picture(4, 4))


def test_failed_write_leaves_nothing(tmp_path, picture):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        write_image(tmp_path / "file" / "a.png", picture(4, 4))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def _with_orientation(image: np.ndarray, suffix: str, *, orientation: int) -> bytes:
    """Encodes with an EXIF block that holds nothing but the orientation."""
    from io import BytesIO

    from PIL import Image as PilImage

    exif = PilImage.Exif()
    exif[0x0112] = orientation
    buffer = BytesIO()
    PilImage.fromarray(image[:, :, ::-1]).save(
        buffer, format={".jpg": "JPEG", ".png": "PNG"}[suffix], exif=exif, quality=97
    )
    return buffer.getvalue()


def test_pictures_are_reduced_and_never_enlarged(picture):
    assert reduced(picture(40, 56), long_side_px=28).shape == (20, 28, 3)
    assert np.array_equal(reduced(picture(40, 56), long_side_px=400), picture(40, 56))
