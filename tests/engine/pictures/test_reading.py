"""Every kind of file that cameras, phones and editors write."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from artrt.engine.errors import ArtrtError, InputError, UnsupportedImageError
from artrt.engine.frame import decode_image, read_image, read_image_with_alpha
from artrt.engine.pictures.array import eight_bit, split_alpha
from artrt.engine.pictures.reading import PictureFile, is_moving, open_picture

TURNS = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: image[::-1, ::-1].swapaxes(0, 1),
    8: lambda image: np.rot90(image, 1),
}


@pytest.fixture
def alpha():
    return np.tile(np.linspace(0, 255, 30).astype(np.uint8), (20, 1))


def pillow(image, alpha=None):
    """A BGR picture as Pillow has it."""
    rgb = image[..., ::-1]
    return Image.fromarray(np.ascontiguousarray(rgb) if alpha is None else np.dstack([rgb, alpha]))


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif"])
def test_orientation_turns_colours_and_alpha(tmp_path, picture, alpha, name, turn):
    image, exif = picture(20, 30), Image.Exif()
    exif[0x0112] = turn
    marked = {"tiffinfo": {274: turn}} if name == "a.tif" else {"exif": exif}
    pillow(image, alpha).save(
        tmp_path / name, **marked, **({"lossless": True, "exact": True} if name == "a.webp" else {})
    )
    read, read_alpha = read_image_with_alpha(tmp_path / name)
    assert np.array_equal(read, TURNS[turn](image))
    assert np.array_equal(read_alpha, TURNS[turn](alpha))


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate"])
def test_a_tiff_keeps_straight_alpha(tmp_path, picture, alpha, compression):
    pillow(picture(20, 30), alpha).save(tmp_path / "a.tif", compression=compression)
    read, read_alpha = read_image_with_alpha(tmp_path / "a.tif")
    assert np.array_equal(read, picture(20, 30))
    assert np.array_equal(read_alpha, alpha)


@pytest.mark.parametrize("mode", ["L", "I;16", "RGB", "P"])
def test_a_transparent_colour_is_kept(tmp_path, picture, mode):
    levels = np.arange(600, dtype=np.uint16).reshape(20, 30) // 3
    grey = levels.astype(np.uint8)
    key = int(levels[10, 10])
    if mode == "I;16":
        cv2.imwrite(str(tmp_path / "plain.png"), levels * 257)
        _with_key(tmp_path / "plain.png", tmp_path / "a.png", key * 257)
    elif mode == "RGB":
        Image.fromarray(np.dstack([grey] * 3)).save(tmp_path / "a.png", transparency=(key, key, key))
    elif mode == "P":
        paletted = Image.fromarray(grey)
        paletted.putpalette([level for level in range(256) for _ in range(3)])
        paletted.save(
            tmp_path / "a.png", transparency=bytes(0 if level == key else 255 for level in range(256))
        )
    else:
        Image.fromarray(grey).save(tmp_path / "a.png", transparency=key)
    image, alpha = read_image_with_alpha(tmp_path / "a.png")
    assert np.array_equal(image, np.dstack([grey] * 3))
    assert np.array_equal(alpha == 0, levels == key)
    assert set(np.unique(alpha)) == {0, 255}


@pytest.mark.parametrize(
    ("name", "kind"), [("a.avif", "AVIF"), ("a.jfif", "JPEG"), ("a.jp2", "JPEG2000"), ("a.ppm", "PPM")]
)
def test_other_kinds_are_read(tmp_path, picture, name, kind):
    pillow(picture(40, 60)).save(tmp_path / name, kind, quality=95)
    assert np.abs(read_image(tmp_path / name).astype(int) - picture(40, 60)).mean() < 8


def test_the_content_counts_and_not_the_name(tmp_path, picture):
    pillow(picture(20, 30)).save(tmp_path / "really-a-png.jpg", "PNG")
    assert np.array_equal(read_image(tmp_path / "really-a-png.jpg"), picture(20, 30))
    assert open_picture(tmp_path / "really-a-png.jpg").suffix == ".png"


@pytest.mark.parametrize(("kind", "extra"), [("GIF", {}), ("PNG", {}), ("WEBP", {"lossless": True})])
def test_all_frames_of_an_animation_with_their_times(picture, kind, extra):
    frames = [pillow(np.full((12, 16, 3), 40 * k, np.uint8)) for k in range(1, 5)]
    buffer = io.BytesIO()
    frames[0].save(
        buffer, kind, save_all=True, append_images=frames[1:], duration=[40, 80, 120, 500], loop=0, **extra
    )
    file = PictureFile(buffer.getvalue(), "animation")
    stills = list(file.stills())
    assert (file.count, file.moving, file.plays) == (4, True, 0)
    assert [still.seconds for still in stills] == pytest.approx([0.04, 0.08, 0.12, 0.5])
    assert [int(still.image[6, 8, 1]) for still in stills] == [40, 80, 120, 160]
    assert [int(still.image[6, 8, 1]) for still in file.stills()] == [40, 80, 120, 160]  # and once more


def test_pages_of_a_tiff(picture):
    sizes = [(12, 16), (20, 8), (6, 6)]
    pages = [pillow(picture(*size)) for size in sizes]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    file = PictureFile(buffer.getvalue(), "pages")
    assert (file.count, file.moving) == (3, False)
    for still, size in zip(file.stills(), sizes, strict=True):
        assert np.array_equal(still.image, picture(*size))


def test_a_single_picture_does_not_move(tmp_path, picture):
    for name in ("a.png", "a.gif", "a.webp", "a.jpg"):
        pillow(picture(8, 8)).save(tmp_path / name)
        assert not is_moving(tmp_path / name)
    assert not is_moving(tmp_path / "missing.gif")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF"])
def test_half_a_file_is_refused(picture, kind):
    buffer = io.BytesIO()
    pillow(picture(200, 300)).save(buffer, kind)
    with pytest.raises(InputError, match="cannot read these bytes"):
        decode_image(buffer.getvalue()[: len(buffer.getvalue()) // 2])


def test_more_pixels_than_may_be_are_refused(picture, monkeypatch):
    monkeypatch.setenv("OPENCV_IO_MAX_IMAGE_PIXELS", "500")
    buffer = io.BytesIO()
    pillow(picture(20, 30)).save(buffer, "GIF")
    with pytest.raises(InputError, match="30x20 pixels are too many: up to 500"):
        decode_image(buffer.getvalue())


@settings(deadline=None, max_examples=60)
@given(
    st.binary(max_size=200),
    st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"]),
    st.integers(0, 400),
)
def test_any_damage_is_one_error_or_a_picture(noise, kind, place):
    buffer = io.BytesIO()
    Image.new("RGBA" if kind in ("PNG", "WEBP", "TIFF") else "RGB", (9, 7), "teal").save(buffer, kind)
    data = bytearray(buffer.getvalue())
    place %= len(data)
    data[place : place + len(noise)] = noise
    try:
        image, _ = decode_image(bytes(data))
        PictureFile(bytes(data), "damaged").about()
    except ArtrtError:
        return
    assert image.dtype == np.uint8
    assert image.ndim == 3


KINDS_OF_PIXELS = st.sampled_from([np.uint8, np.uint16, np.int32, np.float32, np.float64, np.bool_, np.int64])


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_pixels_of_any_type_size_and_number_of_channels(data):
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    channels = data.draw(st.sampled_from([None, 1, 2, 3, 4, 5]))
    pixels = data.draw(
        arrays.arrays(data.draw(KINDS_OF_PIXELS), shape if channels is None else (*shape, channels))
    )
    try:
        image, alpha = split_alpha(eight_bit(pixels, "it"), "it")
    except UnsupportedImageError:
        assert pixels.dtype in (np.bool_, np.int64) or channels in (1, 2, 5)
        return
    assert image.shape == (*shape, 3)
    assert image.dtype == np.uint8
    assert (alpha is None) == (channels != 4)
    assert alpha is None or alpha.shape == shape


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([".png", ".tif", ".bmp"]),
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([3, 4]))),
)
def test_what_is_written_is_read_back(suffix, pixels):
    from artrt.engine.frame import encode_image

    alpha = np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else None
    image = np.ascontiguousarray(pixels[..., :3])
    read, read_alpha = decode_image(encode_image(image, suffix, alpha=alpha))
    assert np.array_equal(read, image)
    if suffix == ".bmp" or alpha is None:
        assert read_alpha is None
    else:
        assert np.array_equal(np.full_like(alpha, 255) if read_alpha is None else read_alpha, alpha)


def _with_key(source, target, key: int) -> None:
    """Puts the chunk of a transparent grey level into a PNG."""
    import struct
    import zlib

    data = source.read_bytes()
    chunk = b"tRNS" + struct.pack(">H", key)
    start = data.index(b"IDAT") - 4
    whole = struct.pack(">I", 2) + chunk + struct.pack(">I", zlib.crc32(chunk))
    target.write_bytes(data[:start] + whole + data[start:])
