"""The main command on real input, good and bad: one clear line, the right exit code, nothing half-written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from shutil import copytree

import av
import cv2
import numpy as np
import pytest

from artrt.cli.main import run
from artrt.engine.frame import read_image, read_image_with_alpha, write_image
from artrt.engine.jobs import paint_file as picture_job
from support.clips import cut_off, make_clip, make_clip_of_two_tracks, probe

STARRY_NIGHT = 102  # the tone in which the tiny zoo paints that style


@pytest.fixture(autouse=True)
def zoo(use_tiny_zoo):
    return use_tiny_zoo


@pytest.fixture
def photo(tmp_path, picture):
    path = tmp_path / "photo.png"
    write_image(path, picture(24, 32))
    return path


def stylize(*arguments):
    return run(["stylize", *map(str, arguments), "--provider", "cpu", "--threads", "1"])


def assert_refused(capsys, code, message, *arguments, output):
    """Runs the command: one line on stderr, the exit code, no output."""
    assert stylize(*arguments, "-o", output) == code
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("artrt: runs on")]
    assert len(lines) == 1, lines
    assert lines[0].startswith("artrt: error: ")
    assert message in lines[0]
    assert not Path(output).exists()


def test_picture(photo, tmp_path, capsys):
    assert stylize(photo, "-o", tmp_path / "out.png", "--style", "starry-night") == 0
    captured = capsys.readouterr()
    assert captured.out.startswith(f"{tmp_path / 'out.png'}  32x24  ")
    assert captured.err == "artrt: runs on cpu (cpu was requested)\n"
    assert np.unique(read_image(tmp_path / "out.png")).tolist() == [STARRY_NIGHT]


def test_folder_and_glob(photo, tmp_path, picture):
    write_image(tmp_path / "photos" / "one.jpg", picture(16, 16))
    write_image(tmp_path / "photos" / "two.jpg", picture(16, 24))
    assert stylize(tmp_path / "photos", tmp_path / "*.png", "-o", tmp_path / "out") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["one.jpg", "photo.png", "two.jpg"]
    assert read_image(tmp_path / "out" / "two.jpg").shape == (16, 24, 3)


def test_json_names_the_files_that_failed(photo, tmp_path, capsys):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    assert stylize(photo, broken, "-o", tmp_path / "out", "--json") == 1
    done, failed = json.loads(capsys.readouterr().out)
    assert done["output"].endswith(photo.name)
    assert failed["input"] == str(broken)
    assert "broken.png" in failed["error"]


def test_json_tells_everything(photo, tmp_path, capsys):
    assert stylize(photo, "-o", tmp_path / "out.png", "--json", "--size", "12") == 0
    (facts,) = json.loads(capsys.readouterr().out)
    assert facts["output"] == str(tmp_path / "out.png")
    assert (facts["width"], facts["height"], facts["frames"], facts["kind"]) == (16, 12, 1, "picture")
    assert (facts["style"], facts["provider"]) == ("starry-night", "cpu")
    assert facts["seconds"] > 0


def test_strength_and_kept_salient_region(tmp_path):
    write_image(tmp_path / "white.png", np.full((8, 8, 3), 255, np.uint8))  # all salient
    out = tmp_path / "out.png"
    assert stylize(tmp_path / "white.png", "-o", out, "--strength", "0.5") == 0
    assert read_image(out).max() == round(255 - 0.5 * (255 - STARRY_NIGHT))
    assert stylize(tmp_path / "white.png", "-o", out, "--keep-salient", "1") == 0
    assert read_image(out).min() == 255


def test_effects_before_and_after_the_style(photo, tmp_path):
    out = tmp_path / "out.png"
    assert stylize(photo, "-o", out, "--quantize", "20:after", "--superpixels", "9") == 0
    assert np.unique(read_image(out)).tolist() == [STARRY_NIGHT + 20]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--quantize", "1", "quantize: colors go from 2 to 256, got 1"),
        ("--quantize", "300", "quantize: colors go from 2 to 256, got 300"),
        ("--quantize", "many", "'many' is not NUMBER, NUMBER:before or NUMBER:after"),
        ("--superpixels", "0", "superpixels: regions go from 1 to 9000, got 0"),
        ("--size", "big", "size 'big': expected WIDTHxHEIGHT"),
    ],
)
def test_wrong_amounts(photo, tmp_path, capsys, option, value, message):
    assert_refused(capsys, 2, message, photo, option, value, output=tmp_path / "o.png")


def test_weights_are_normalised_and_said_so(photo, tmp_path, capsys):
    assert stylize(photo, "-o", tmp_path / "out.png", "--style", "great-wave:3+udnie:1") == 0
    assert "style weights 3 + 1 sum to 4; using 0.75 + 0.25" in capsys.readouterr().err
    assert read_image(tmp_path / "out.png").max() == round(255 * (0.75 * 0.2 + 0.25 * 0.8))


def test_video_keeps_frames_rate_size_duration_and_audio(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", frames=30, rate=30, audio="aac")
    assert stylize(clip, "-o", tmp_path / "out.mp4", "--strength", "0.5") == 0
    before, after = probe(clip), probe(tmp_path / "out.mp4")
    assert (after.width, after.height, after.frames, after.rate) == (64, 48, 30, 30)
    assert after.seconds == pytest.approx(before.seconds, abs=0.001)
    assert after.audio == "aac"
    assert after.audio_seconds == pytest.approx(before.audio_seconds, abs=0.001)


def test_shared_clip_keeps_everything(shared_dir, tmp_path):
    clip = shared_dir / "video" / "nasa_480x270_audio.mp4"
    assert stylize(clip, "-o", tmp_path / "out.mp4", "--strength", "0.5") == 0
    before, after = probe(clip), probe(tmp_path / "out.mp4")
    assert (after.width, after.height, after.frames) == (480, 270, before.frames)  # the best of two tracks
    assert float(after.rate) == pytest.approx(float(before.rate), rel=1e-3)
    assert after.seconds == pytest.approx(before.seconds, abs=0.05)
    assert after.audio == before.audio
    assert after.audio_seconds == pytest.approx(before.audio_seconds, abs=0.05)


def test_of_several_tracks_the_best_picture_and_every_sound_are_kept(tmp_path, capsys):
    clip = make_clip_of_two_tracks(tmp_path / "two.mp4")
    assert stylize(clip, "-o", tmp_path / "out.mp4") == 0
    after = probe(tmp_path / "out.mp4")
    assert (after.width, after.height, after.frames, after.rate) == (64, 48, 20, 20)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [track.rate for track in container.streams.audio] == [48000, 8000]  # the best comes first
    assert "not kept in .mp4: 1 video track\n" in capsys.readouterr().err


def test_missing_file(tmp_path, capsys):
    assert_refused(
        capsys, 1, "missing.jpg: no such file", tmp_path / "missing.jpg", output=tmp_path / "o.jpg"
    )


def test_folder_without_pictures(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    message = "no pictures or videos in this folder"
    assert_refused(capsys, 1, message, tmp_path / "empty", output=tmp_path / "out")


def test_text_named_as_a_picture(tmp_path, capsys):
    (tmp_path / "text.jpg").write_text("a poem")
    assert_refused(
        capsys, 1, "not a picture that can be decoded", tmp_path / "text.jpg", output=tmp_path / "o.jpg"
    )


@pytest.mark.parametrize("name", ["zero.jpg", "zero.mp4"])
def test_zero_byte_file(tmp_path, capsys, name):
    (tmp_path / name).touch()
    assert_refused(capsys, 1, name, tmp_path / name, output=tmp_path / f"o{Path(name).suffix}")


def test_truncated_video_without_its_index(tmp_path, capsys):
    clip = make_clip(tmp_path / "clip.mp4", frames=50)
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    assert_refused(capsys, 1, "clip.mp4", clip, output=tmp_path / "out.mp4")
    assert not [path for path in tmp_path.iterdir() if "partial" in path.name]


def test_truncated_video_with_its_index_is_done_as_far_as_it_goes_and_said_so(tmp_path, capsys):
    clip = cut_off(make_clip(tmp_path / "clip.mp4", frames=50), share=0.6)
    assert stylize(clip, "-o", tmp_path / "out.mp4", "--json") == 0
    captured = capsys.readouterr()
    (done,) = json.loads(captured.out)
    assert 0 < done["frames"] < 45
    assert probe(tmp_path / "out.mp4").frames == done["frames"]
    note = f"only {done['frames']} of 50 frames could be read: the file is damaged or cut off"
    assert done["notes"] == [note]
    assert f"artrt: {clip}: {note}" in captured.err


def test_neither_style_nor_effect_is_said_so(photo, tmp_path, capsys):
    assert stylize(photo, "-o", tmp_path / "out.png", "--style", "none") == 0
    assert "no style and no effect: inputs are only scaled" in capsys.readouterr().err
    assert np.array_equal(read_image(tmp_path / "out.png"), read_image(photo))


def test_whole_video_has_no_note(tmp_path, capsys):
    clip = make_clip(tmp_path / "clip.mp4", frames=5, audio="aac")
    assert stylize(clip, "-o", tmp_path / "out.mp4", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["notes"] == []


def test_transparency_that_the_output_cannot_hold_is_said_so(tmp_path, picture, capsys):
    write_image(tmp_path / "clear.png", picture(16, 16), alpha=picture(16, 16)[:, :, 1])
    assert stylize(tmp_path / "clear.png", "-o", tmp_path / "out.jpg") == 0
    assert "clear.png: its transparency is lost: .jpg has none, .png does" in capsys.readouterr().err
    assert stylize(tmp_path / "clear.png", "-o", tmp_path / "out.webp") == 0
    assert "transparency" not in capsys.readouterr().err


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (3, 2)])
def test_tiny_pictures(tmp_path, picture, size):
    write_image(tmp_path / "tiny.png", picture(*size))
    assert stylize(tmp_path / "tiny.png", "-o", tmp_path / "out.png") == 0
    assert read_image(tmp_path / "out.png").shape == (*size, 3)


def test_huge_picture(tmp_path):
    write_image(tmp_path / "huge.jpg", np.full((8000, 8000, 3), 90, np.uint8))
    assert stylize(tmp_path / "huge.jpg", "-o", tmp_path / "out.jpg", "--style", "none") == 0
    assert read_image(tmp_path / "out.jpg").shape == (8000, 8000, 3)


def test_picture_that_memory_cannot_hold(tmp_path, picture, capsys, monkeypatch):
    monkeypatch.setattr(picture_job, "available_memory_bytes", lambda: 1_000_000)
    write_image(tmp_path / "large.png", picture(200, 400))
    message = "400x200 pixels need about 0.0 GB of memory, 0.0 GB are free; --size 61 would fit"
    assert_refused(capsys, 1, message, tmp_path / "large.png", output=tmp_path / "out.png")


def test_grey_sixteen_bit_and_transparent_pictures(tmp_path, picture):
    image = picture(16, 16)
    cv2.imwrite(str(tmp_path / "grey.png"), image[:, :, 0])
    cv2.imwrite(str(tmp_path / "deep.png"), image.astype(np.uint16) * 257)
    write_image(tmp_path / "clear.png", image, alpha=image[:, :, 1])
    inputs = [tmp_path / name for name in ("grey.png", "deep.png", "clear.png")]
    assert stylize(*inputs, "-o", tmp_path / "out", "--strength", "0") == 0
    assert np.array_equal(read_image(tmp_path / "out" / "grey.png"), np.dstack([image[:, :, 0]] * 3))
    assert np.array_equal(read_image(tmp_path / "out" / "deep.png"), image)
    result, alpha = read_image_with_alpha(tmp_path / "out" / "clear.png")
    assert np.array_equal(result, image)
    assert np.array_equal(alpha, image[:, :, 1])


def test_unknown_style(photo, tmp_path, capsys):
    message = "unknown style 'stary-nigth'; did you mean 'starry-night'?"
    assert_refused(capsys, 2, message, photo, "--style", "stary-nigth", output=tmp_path / "o.png")


def test_wrong_mix(photo, tmp_path, capsys):
    message = "'much' is not a weight; write NAME or NAME:0.7"
    assert_refused(capsys, 2, message, photo, "--style", "udnie:much", output=tmp_path / "o.png")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("manifest.json", []),
        ("stylize-small.onnx", []),
        ("styles/udnie.safetensors", ["--style", "udnie"]),
        ("quantize.onnx", ["--quantize", "8"]),
        ("saliency.onnx", ["--keep-salient", "0.5"]),
        ("style-small.onnx", ["--style", "painting.png"]),
    ],
)
def test_an_incomplete_installation_is_said_in_one_line(
    photo, tmp_path, picture, monkeypatch, capsys, zoo, name, options
):
    folder = copytree(zoo, tmp_path / "installed")
    (folder / name).unlink()
    monkeypatch.delenv("ARTRT_ZOO")
    monkeypatch.setattr("artrt.engine.zoo.zoo.SHIPPED", folder)
    monkeypatch.chdir(tmp_path)
    write_image(tmp_path / "painting.png", picture(64, 64))
    arguments = [photo, *options] if "--style" in options else [photo, *options, "--style", "starry-night"]
    assert_refused(capsys, 6, f"{folder / name} is missing", *arguments, output=tmp_path / "o.png")


def test_unwritable_output(photo, tmp_path, capsys):
    assert_refused(capsys, 1, "cannot write", photo, output=photo / "below" / "o.png")


def test_a_name_that_is_too_long(photo, tmp_path, capsys):
    output = tmp_path / ("x" * 300 + ".png")
    assert stylize(photo, "-o", output) == 1
    assert capsys.readouterr().err.splitlines()[-1].endswith("File name too long")
    assert list(tmp_path.iterdir()) == [photo]


@pytest.mark.parametrize("size", ["100000", "64x100000", "9" * 5000])
def test_a_size_that_is_too_large(photo, tmp_path, capsys, size):
    message = "or the short side, each from 1 to 65535 pixels"
    assert_refused(capsys, 2, message, photo, "--size", size, output=tmp_path / "out.png")


def test_a_folder_that_may_not_be_read(tmp_path, capsys, monkeypatch):
    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    (tmp_path / "photos").mkdir()
    monkeypatch.setattr(
        Path, "iterdir", refuse
    )  # the administrator, who runs tests in containers, may read all
    assert stylize(tmp_path / "photos", "-o", tmp_path / "out") == 1
    assert capsys.readouterr().err == f"artrt: error: {tmp_path / 'photos'}: Permission denied\n"


def test_one_file_needs_no_output(photo, capsys):
    assert stylize(photo) == 0
    assert read_image(photo.with_name("photo-artrt.png")).shape == (24, 32, 3)
    assert stylize(photo, photo) == 2
    assert "several inputs need a folder for the results: -o FOLDER" in capsys.readouterr().err


def test_folders_in_folders_are_said_to_be_skipped(photo, tmp_path, picture, capsys):
    for name in ("more", ".hidden", "empty"):
        (tmp_path / "in" / name).mkdir(parents=True)
    for name in ("a.png", "more/b.png", ".hidden/c.png"):
        write_image(tmp_path / "in" / name, picture(8, 8))
    assert stylize(tmp_path / "in", "-o", tmp_path / "out") == 0
    assert "artrt: skipped folders: more/ (artrt batch reads them too)\n" in capsys.readouterr().err


def test_unwritable_video_output(tmp_path, capsys):
    clip = make_clip(tmp_path / "clip.mp4", frames=3)
    assert_refused(capsys, 1, "cannot write", clip, output=clip / "below" / "o.mp4")


def test_missing_provider(photo, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("artrt.engine.sessions.machine.ctypes.CDLL", _no_library)
    code = run(["stylize", str(photo), "-o", str(tmp_path / "o.png"), "--provider", "cuda"])
    assert code == 3
    assert capsys.readouterr().err.startswith("artrt: error: no NVIDIA driver (libcuda.so.1")
    assert not (tmp_path / "o.png").exists()


def _no_library(name, mode=0):
    raise OSError(f"{name}: cannot open shared object file")


def test_bad_pictures_among_good_ones_are_skipped_by_name(photo, tmp_path, capsys):
    (tmp_path / "bad.png").write_text("x")
    assert stylize(tmp_path / "bad.png", photo, "-o", tmp_path / "out") == 1
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 3
    assert "artrt: skipped: cannot read" in captured.err
    assert "artrt: error: 1 of 2 inputs failed" in captured.err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["photo.png"]
    assert captured.out.count("\n") == 1


def test_interrupted_video_is_playable_so_far(tmp_path, zoo):
    clip = make_clip(tmp_path / "long.mp4", frames=600)
    out = tmp_path / "out.mp4"
    command = [
        sys.executable,
        "-m",
        "artrt.cli.main",
        "stylize",
        str(clip),
        "-o",
        str(out),
        "--provider",
        "cpu",
        "--size",
        "720",
    ]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | {"ARTRT_ZOO": str(zoo)}
    ) as process:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None and not _has_begun(tmp_path):
            time.sleep(0.02)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
    assert errors.splitlines()[-1] == "artrt: error: interrupted"
    assert not out.exists()
    part = tmp_path / f"{out.stem}.partial{out.suffix}"
    assert errors.splitlines()[-2] == f"artrt: the part that was finished is in {part}"
    assert 0 < probe(part).frames < 600
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def _has_begun(folder: Path) -> bool:
    return any("partial" in path.name and path.stat().st_size > 0 for path in folder.iterdir())
