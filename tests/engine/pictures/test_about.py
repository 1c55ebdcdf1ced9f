"""What a file says of its picture: kept, without what would be wrong for the painting."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.ExifTags import IFD, Base

from artrt.engine.frame import encode_image
from artrt.engine.pictures.about import orientation_of
from artrt.engine.pictures.reading import PictureFile

XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6" dc:title="Sunday"/></x:xmpmeta>'


@pytest.fixture
def photo() -> bytes:
    """A JPEG as a phone writes it: turned, dated, placed, with notes of its maker."""
    exif = Image.Exif()
    exif[Base.Orientation], exif[Base.Make], exif[Base.ImageDescription] = 6, "Maker", "A Sunday"
    exif[Base.ImageWidth] = 60
    exif.get_ifd(IFD.Exif).update(
        {Base.DateTimeOriginal: "2024:01:02 03:04:05", Base.MakerNote: b"secret", Base.ExifImageWidth: 60}
    )
    exif.get_ifd(IFD.Exif)[Base.ColorSpace] = 0xFFFF
    exif.get_ifd(IFD.GPSInfo).update({1: "N", 2: (48.0, 51.0, 24.0), 3: "E", 4: (2.0, 21.0, 8.0)})
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), "teal").save(buffer, "JPEG", exif=exif, xmp=XMP, comment="by hand")
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif"])
def test_dates_place_and_title_are_carried_over(photo, suffix):
    about = PictureFile(photo, "photo").about()
    written = Image.open(io.BytesIO(encode_image(np.zeros((8, 9, 3), np.uint8), suffix, about=about)))
    exif = written.getexif()
    assert exif[Base.Make] == "Maker"
    assert exif[Base.ImageDescription] == "A Sunday"
    assert exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] == "2024:01:02 03:04:05"
    assert exif.get_ifd(IFD.Exif)[Base.ColorSpace] == 1
    assert exif.get_ifd(IFD.GPSInfo)[2] == (48.0, 51.0, 24.0)
    assert b"Sunday" in written.info["xmp"]
    assert written.size == (9, 8)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif"])
def test_the_painting_is_upright_and_keeps_no_notes_of_the_maker(photo, suffix):
    about = PictureFile(photo, "photo").about()
    written = Image.open(io.BytesIO(encode_image(np.zeros((8, 9, 3), np.uint8), suffix, about=about)))
    assert orientation_of(written) == 1
    assert b'tiff:Orientation="1"' in written.info["xmp"]
    assert Base.MakerNote not in written.getexif().get_ifd(IFD.Exif)
    assert Base.ExifImageWidth not in written.getexif().get_ifd(IFD.Exif)


def test_no_preview_of_the_photograph_is_left(photo):
    preview = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(preview, "JPEG")
    exif = Image.open(io.BytesIO(photo)).getexif()
    block = exif.tobytes()
    with_preview = block[:-4] + b"\0\0\0\0" + preview.getvalue()
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40)).save(buffer, "JPEG", exif=with_preview)
    assert preview.getvalue() in buffer.getvalue()
    assert preview.getvalue() not in PictureFile(buffer.getvalue(), "photo").about().exif


def test_remarks_of_a_png_and_a_jpeg(photo):
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Title", "Sünday")
    buffer = io.BytesIO()
    Image.new("RGB", (6, 4)).save(buffer, "PNG", pnginfo=info)
    about = PictureFile(buffer.getvalue(), "a.png").about()
    data = encode_image(np.zeros((4, 6, 3), np.uint8), ".png", about=about)
    assert Image.open(io.BytesIO(data)).text["Title"] == "Sünday"
    comment = PictureFile(photo, "photo").about()
    data = encode_image(np.zeros((4, 6, 3), np.uint8), ".jpg", about=comment)
    assert Image.open(io.BytesIO(data)).info["comment"] == b"by hand"


def test_a_plain_picture_says_nothing():
    assert not PictureFile(encode_image(np.zeros((4, 6, 3), np.uint8), ".jpg"), "plain").about()


@settings(deadline=None, max_examples=80)
@given(st.binary(max_size=300))
def test_damaged_blocks_say_nothing_and_raise_nothing(noise):
    buffer = io.BytesIO()
    Image.new("RGB", (6, 4)).save(buffer, "JPEG", exif=b"Exif\0\0" + noise)
    file = PictureFile(buffer.getvalue(), "damaged")
    about = file.about()
    assert file.first().image.size == 72
    encode_image(np.zeros((4, 6, 3), np.uint8), ".png", about=about)
