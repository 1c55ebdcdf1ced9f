from __future__ import annotations

from pathlib import Path

import pytest

import artrt
from artrt.engine.jobs.job import Job
from artrt.engine.jobs.stylize import look_for
from artrt.engine.looks.look import Look
from artrt.engine.sources import Size
from support.clips import make_clip, probe


@pytest.fixture
def folder(tmp_path, picture, use_tiny_zoo):
    for name in ("a.png", "b.png"):
        artrt.write_image(tmp_path / "in" / name, picture(8, 12))
    return tmp_path


def test_one_picture(folder):
    (done,) = artrt.stylize(folder / "in" / "a.png", folder / "out.png", "udnie", provider="cpu")
    assert (done.kind, done.width, done.height) == ("picture", 12, 8)
    assert artrt.read_image(folder / "out.png").max() == 204


def test_a_folder_with_progress(folder):
    seen = []
    done = artrt.stylize(
        str(folder / "in"),
        folder / "out",
        "udnie",
        strength=0.5,
        provider="cpu",
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert [result.kind for result in done] == ["picture", "picture"]
    assert seen == [(0, 2), (1, 2)]


def test_a_video_keeps_its_frames_and_is_scaled(folder):
    clip = make_clip(folder / "a.mp4", frames=6)
    (done,) = artrt.stylize(clip, folder / "b.mp4", artrt.Look("udnie", provider="cpu"), size="32x24")
    assert (done.kind, done.frames) == ("video", 6)
    assert (probe(folder / "b.mp4").width, probe(folder / "b.mp4").frames) == (32, 6)


def test_a_broken_file_ends_it(folder):
    (folder / "in" / "a.png").write_bytes(b"no picture")
    with pytest.raises(artrt.InputError, match="a.png"):
        artrt.stylize(folder / "in", folder / "out", "udnie", provider="cpu")


def test_an_option_that_does_not_exist_is_refused_before_anything(folder):
    with pytest.raises(artrt.UsageError, match="no option 'sytle'"):
        artrt.stylize(folder / "in", folder / "out", sytle="udnie")
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("names", "size", "at_once"),
    [
        (["clip.mp4"], None, 4),
        (["clip.mp4"], Size(3840, 2160), 1),
        (["clip.mp4", "photo.png"], None, 1),
        (["photo.png"], None, 1),
        (["broken.mp4"], None, 1),
    ],
)
def test_videos_are_painted_several_frames_at_once_where_they_fit_into_memory(tmp_path, names, size, at_once):
    make_clip(tmp_path / "clip.mp4", frames=2)
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    kinds = {".mp4": "video", ".png": "picture"}
    jobs = [Job(tmp_path / name, tmp_path / f"out-{name}", kinds[Path(name).suffix]) for name in names]
    look = look_for(jobs, Look("udnie", threads=8), size=size)
    assert (look.at_once, look.steady) == (at_once, any(job.kind == "video" for job in jobs))
    assert look_for(jobs, Look("udnie", at_once=1)).at_once == 1
    assert look_for(jobs, Look("udnie", threads=8, quantize=16), size=size).at_once == 1
