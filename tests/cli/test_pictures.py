"""Pictures that users bring, through the commands: names, kinds, animations, metadata, standard input and output."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import Base

from artrt.cli.main import run
from artrt.engine.frame import read_image, read_image_with_alpha, write_image
from artrt.engine.pictures.reading import open_picture
from support.effects import colors_of
from support.profiles import DISPLAY_P3, of_srgb

pytestmark = pytest.mark.usefixtures("use_tiny_zoo")


@pytest.fixture
def shipped_zoo(use_tiny_zoo, monkeypatch):
    """The effects as they ship, in place of the tiny ones."""
    pytest.importorskip("onnxruntime")
    monkeypatch.delenv("ARTRT_ZOO")


def plain(*arguments, command="stylize"):
    """Runs the command without a style."""
    style = ["--style", "none"] if command in ("stylize", "batch") else []
    return run([command, *map(str, arguments), *style, "--provider", "cpu"])


def as_a_process(*arguments, data=b"", folder):
    """Runs the command line in a process of its own, with bytes on its standard input."""
    words = [sys.executable, "-m", "artrt.cli.main", *arguments, "--provider", "cpu"]
    return subprocess.run(words, input=data, capture_output=True, cwd=folder, timeout=120, check=False)


def animation(path, *, frames=4, **settings):
    pictures = [Image.new("RGB", (16, 12), (40 * k, 40 * k, 40 * k)) for k in range(1, frames + 1)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], **settings)
    return path


def test_profiles_are_converted_on_the_way(tmp_path, picture):
    vivid = (picture(40, 60) * 0.8 + 20).astype(np.uint8)
    of_srgb(vivid, DISPLAY_P3).save(tmp_path / "p3.png", icc_profile=DISPLAY_P3)
    assert plain(tmp_path / "p3.png", "-o", tmp_path / "out.png") == 0
    assert np.abs(read_image(tmp_path / "out.png").astype(int) - vivid).mean() <= 3
    with Image.open(tmp_path / "out.png") as written:
        assert "icc_profile" not in written.info


@pytest.mark.parametrize("kind", ["gif", "webp", "png"])
def test_an_animation_stays_one(tmp_path, capsys, kind):
    source = animation(tmp_path / f"in.{kind}", duration=[50, 100, 150, 200], loop=0)
    out = tmp_path / f"out.{kind}"
    assert plain(source, "-o", out) == 0
    file = open_picture(out)
    assert (file.moving, file.plays) == (True, 0)
    assert [still.seconds for still in file.stills()] == pytest.approx([0.05, 0.1, 0.15, 0.2])
    assert "is kept" not in capsys.readouterr().err


def test_an_animation_becomes_a_video_or_its_first_frame_which_is_said(tmp_path, capsys):
    source = animation(tmp_path / "in.gif", duration=100, loop=0)
    assert plain(source, "-o", tmp_path / "out.mp4") == 0
    assert "4 frames" in capsys.readouterr().out
    assert plain(source, "-o", tmp_path / "out.jpg") == 0
    assert "only the first of its 4 frames is kept" in capsys.readouterr().err


def test_pages_of_a_tiff_stay(tmp_path):
    animation(tmp_path / "in.tif")
    assert plain(tmp_path / "in.tif", "-o", tmp_path / "out.tif") == 0
    levels = [int(still.image.mean()) for still in open_picture(tmp_path / "out.tif").stills()]
    assert levels == [40, 80, 120, 160]


@pytest.mark.parametrize("command", ["stylize", "quantize", "superpixels"])
@pytest.mark.usefixtures("shipped_zoo")
def test_dates_stay_unless_they_are_stripped(tmp_path, picture, command):
    exif = Image.Exif()
    exif[Base.Orientation], exif[Base.DateTime] = 6, "2024:01:02 03:04:05"
    Image.fromarray(picture(40, 60)).save(tmp_path / "in.jpg", exif=exif)
    amount = [] if command == "stylize" else ["-k", 8] if command == "quantize" else ["-n", 9]
    for out, options, expected in (
        ("a.png", [], "2024:01:02 03:04:05"),
        ("b.jpg", ["--strip-metadata"], None),
    ):
        assert plain(tmp_path / "in.jpg", "-o", tmp_path / out, *amount, *options, command=command) == 0
        with Image.open(tmp_path / out) as written:
            assert written.size == (40, 60)
            assert written.getexif().get(Base.DateTime) == expected
            assert written.getexif().get(Base.Orientation, 1) == 1


def test_what_a_format_cannot_say_is_told(tmp_path, picture, capsys):
    exif = Image.Exif()
    exif[Base.DateTime] = "2024:01:02 03:04:05"
    Image.fromarray(picture(8, 8)).save(tmp_path / "in.jpg", exif=exif)
    assert plain(tmp_path / "in.jpg", "-o", tmp_path / "out.bmp") == 0
    assert "its dates, place and title are lost: .bmp cannot store them" in capsys.readouterr().err


def test_numbers_are_counted_as_people_do(tmp_path, capsys):
    for number in range(1, 13):
        write_image(tmp_path / "in" / f"{number}.png", np.full((16, 16, 3), 20 * number, np.uint8))
    assert plain(tmp_path / "in", "-o", tmp_path / "out") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0].rsplit("/", 1)[1] for line in lines] == [f"{k}.png" for k in range(1, 13)]
    assert plain(tmp_path / "in" / "*.png", "-o", tmp_path / "out.mkv") == 0
    import av

    with av.open(str(tmp_path / "out.mkv")) as video:
        levels = [frame.to_ndarray(format="gray").mean() for frame in video.decode(video=0)]
    assert len(levels) == 12
    assert levels == sorted(levels)


def test_twins_of_a_mac_are_no_pictures(tmp_path, capsys):
    for number in range(3):
        write_image(tmp_path / "in" / f"f{number}.png", np.full((16, 16, 3), 90, np.uint8))
        (tmp_path / "in" / f"._f{number}.png").write_bytes(b"\0\5\26\7\0\2\0\0Mac OS X        ")
    for output in ("out", "out.mp4"):
        assert plain(tmp_path / "in", "-o", tmp_path / output) == 0
    assert plain(tmp_path / "in", tmp_path / "batch", command="batch") == 0
    assert run(["live", str(tmp_path / "in"), "--style", "none", "--headless", "--provider", "cpu"]) == 0
    assert "cannot read" not in capsys.readouterr().err


def test_files_that_are_left_out_are_named(tmp_path, picture, capsys):
    write_image(tmp_path / "in" / "a.png", picture(8, 8))
    Image.fromarray(picture(8, 8)).save(tmp_path / "in" / "b.avif")
    for name in ("c.psd", "notes.txt", ".hidden"):
        (tmp_path / "in" / name).touch()
    assert plain(tmp_path / "in", "-o", tmp_path / "out") == 0
    assert "skipped, not a picture or video: c.psd, notes.txt\n" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.avif"]


def test_names_of_another_encoding_are_done_and_printed(tmp_path, picture):
    names = [b"a.png", b"caf\xe9.png", b"z.png"]
    (tmp_path / "in").mkdir()
    for name in names:
        data = cv2.imencode(".png", picture(16, 16))[1].tobytes()
        (tmp_path / "in" / os.fsdecode(name)).write_bytes(data)
    done = as_a_process("stylize", "in", "-o", "out", "--style", "none", folder=tmp_path)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert sorted(os.fsencode(path.name) for path in (tmp_path / "out").iterdir()) == names
    assert b"caf?.png" in done.stdout
    done = as_a_process("batch", "in", "all", "--style", "none", "--workers", "1", folder=tmp_path)
    assert (done.returncode, b"3 done, 0 failed" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("name", ["2024-08-20T13:28:35.png", "Artist: Song.png", "gst:1.png", "test:x.png"])
def test_a_name_with_a_colon_is_a_file(tmp_path, picture, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_image(name, picture(16, 16))
    assert plain(name, "-o", f"out:{name}") == 0
    assert np.array_equal(read_image(f"out:{name}"), picture(16, 16))
    assert run(["live", name, "--style", "none", "--headless", "--provider", "cpu"]) == 0


def test_a_folder_with_a_colon(tmp_path, picture, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_image("a:b/1.png", picture(16, 16))
    assert plain("a:b", "-o", "c:d") == 0
    assert plain("a:b", "-o", "e.mp4") == 0
    assert np.array_equal(read_image("c:d/1.png"), picture(16, 16))


@pytest.mark.parametrize(("given", "taken"), [("-", "-"), ("/dev/stdin", "/dev/stdout")])
def test_standard_input_and_output(tmp_path, picture, given, taken):
    data = cv2.imencode(".png", picture(16, 16))[1].tobytes()
    done = as_a_process("stylize", given, "-o", taken, "--style", "none", data=data, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    written = Image.open(io.BytesIO(done.stdout))
    assert written.format == "PNG"
    assert np.array_equal(np.asarray(written)[..., ::-1], picture(16, 16))
    assert list(tmp_path.iterdir()) == [tmp_path / "cache"] or list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("shipped_zoo")
def test_standard_input_to_a_file_and_a_file_to_standard_output(tmp_path, picture):
    data = cv2.imencode(".png", picture(16, 16))[1].tobytes()
    done = as_a_process("quantize", "-", "-o", "out.png", "-k", "4", data=data, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    done = as_a_process("superpixels", "out.png", "-o", "-", "-n", "4", folder=tmp_path)
    assert Image.open(io.BytesIO(done.stdout)).size == (16, 16)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["photo.png", "other.png", "-o", "-"], "the standard output takes one picture"),
        (["photo.png", "-o", "-", "--json"], "--json and the picture cannot both go to the standard output"),
        (["-", "-o", "folder"], "the standard input has no name"),
    ],
)
def test_what_cannot_go_through_the_standard_streams(tmp_path, picture, capsys, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    for name in ("photo.png", "other.png"):
        write_image(name, picture(8, 8))
    assert plain(*words) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("method", ["stage", "exact"])
@pytest.mark.usefixtures("shipped_zoo")
def test_invisible_pixels_have_no_say_in_the_palette(tmp_path, method):
    if method == "exact":
        pytest.importorskip("sklearn")
    y, x = np.mgrid[0:200, 0:200]
    image = np.stack([255 - x * 255 // 200, y * 255 // 200, x * 255 // 200], -1).astype(np.uint8)
    alpha = np.zeros((200, 200), np.uint8)
    colours = [(30, 30, 200), (60, 60, 220), (60, 20, 180), (40, 90, 230)]
    for number, colour in enumerate(colours):
        top, left = 70 + 30 * (number // 2), 70 + 30 * (number % 2)
        image[top : top + 30, left : left + 30] = colour
        alpha[top : top + 30, left : left + 30] = 255
    image[75:80, 75:80] = (31, 30, 200)  # a fifth colour, so that there is something to learn
    write_image(tmp_path / "logo.png", image, alpha=alpha)
    out = tmp_path / "out.png"
    assert plain(tmp_path / "logo.png", "-o", out, "-k", "4", "--method", method, command="quantize") == 0
    read, read_alpha = read_image_with_alpha(out)
    assert np.array_equal(read_alpha, alpha)
    assert np.abs(read.astype(int) - image)[alpha > 0].max() <= 2
    assert len(colors_of(read[70:130, 70:130])) == 4
