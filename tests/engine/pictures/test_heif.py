"""The photographs of phones."""

from __future__ import annotations

import io

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms
from PIL.ExifTags import Base

from artrt.cli.main import run
from artrt.engine.errors import InputError
from artrt.engine.frame import read_image, readable_suffixes
from artrt.engine.pictures import heif
from support.footage import patches
from support.profiles import DISPLAY_P3


def write_heic(path, image, **options):
    """Writes uint8 [H, W, 3], RGB, as a phone does."""
    written = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(image)).save(
        written, format="HEIF", quality=95, chroma=444, **options
    )
    path.write_bytes(written.getvalue())
    return path


def stylize(*words):
    return run(["stylize", *map(str, words), "--style", "none", "--provider", "cpu"])


def test_colours_are_those_of_the_photograph(tmp_path):
    colours = patches(side=24)
    for name in ("a.heic", "a.HIF", "really.jpg"):
        read = read_image(write_heic(tmp_path / name, colours))
        assert np.abs(read[:, :, ::-1].astype(int) - colours).mean() < 3


def test_colours_of_display_p3_are_converted(tmp_path):
    colours = patches(side=24)
    wide = Image.fromarray(colours)
    wide.info["icc_profile"] = DISPLAY_P3
    path = tmp_path / "a.heic"
    pillow_heif.from_pillow(wide).save(path, quality=95, chroma=444)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(DISPLAY_P3))
    wanted = np.asarray(ImageCms.profileToProfile(wide, profile, ImageCms.createProfile("sRGB")))
    assert np.abs(read_image(path)[:, :, ::-1].astype(int) - wanted).mean() < 3
    assert np.abs(wanted.astype(int) - colours).mean() > 6


def test_it_stands_upright_and_keeps_its_date(tmp_path):
    said = Image.Exif()
    said[Base.Orientation], said[Base.Make] = 6, "Phone"
    (tmp_path / "in").mkdir()
    write_heic(tmp_path / "in" / "a.heic", patches(side=24), exif=said.tobytes())
    assert stylize(tmp_path / "in", "-o", tmp_path / "out") == 0
    with Image.open(tmp_path / "out" / "a.jpg") as written:
        assert written.size == (96, 144)
        assert (written.getexif()[Base.Make], written.getexif().get(Base.Orientation, 1)) == ("Phone", 1)


def test_without_the_extra_it_is_said_what_to_install(tmp_path, monkeypatch, capsys):
    (tmp_path / "in").mkdir()
    write_heic(tmp_path / "in" / "b.heic", patches())
    write_heic(tmp_path / "in" / "really.jpg", patches())
    Image.fromarray(patches()).save(tmp_path / "in" / "a.png")
    monkeypatch.setattr(heif, "available", lambda: False)
    assert ".heic" not in readable_suffixes()
    assert stylize(tmp_path / "in" / "b.heic", "-o", tmp_path / "b.png") == 1
    assert "b.heic: HEIC needs pi-heif: pip install" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"really.jpg: HEIC needs pi-heif: pip install"):
        read_image(tmp_path / "in" / "really.jpg")
    (tmp_path / "in" / "really.jpg").unlink()
    assert stylize(tmp_path / "in", "-o", tmp_path / "out") == 0
    told = capsys.readouterr().err
    assert "skipped, not a picture or video: b.heic" in told
    assert "HEIC needs pi-heif: pip install" in told


def test_avif_is_another_kind():
    assert heif.is_heif(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    assert not heif.is_heif(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf")
    assert not heif.is_heif(b"\0\0\0\x18ftypisom\0\0\0\0isomavc1")
