from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from artrt.engine.errors import InputError, UsageError
from artrt.engine.frame import read_image, read_image_with_alpha, write_image
from artrt.engine.jobs.job import Job, plan_jobs, run_job
from artrt.engine.sessions import FakeSession
from artrt.engine.sources import Size
from artrt.engine.stages.chain import Chain
from artrt.engine.stages.stage import Stage
from support.clips import level_picture
from support.footage import first_half, write_footage
from support.models import INVERT_SPEC


@pytest.fixture
def chain():
    return Chain([Stage(FakeSession.from_spec(lambda feeds: {"output": 255 - feeds["frame"]}, INVERT_SPEC))])


@pytest.fixture
def folder(tmp_path, picture):
    for name in ("b.png", "a.jpg"):
        write_image(tmp_path / "in" / name, picture(12, 16))
    (tmp_path / "in" / "clip.mp4").touch()
    (tmp_path / "in" / "notes.txt").touch()
    (tmp_path / "in" / ".hidden.png").touch()
    return tmp_path / "in"


def pairs(jobs):
    return [(job.input.name, str(job.output), job.kind) for job in jobs]


def test_one_picture_to_a_file_or_folder(folder):
    assert pairs(plan_jobs([str(folder / "a.jpg")], "out.png")) == [("a.jpg", "out.png", "picture")]
    assert pairs(plan_jobs([str(folder / "a.jpg")], "out")) == [("a.jpg", "out/a.jpg", "picture")]


def test_folder_to_a_folder(folder):
    assert pairs(plan_jobs([str(folder)], "out")) == [
        ("a.jpg", "out/a.jpg", "picture"),
        ("b.png", "out/b.png", "picture"),
        ("clip.mp4", "out/clip.mp4", "video"),
    ]


def test_glob_and_files_to_a_folder(folder):
    jobs = plan_jobs([str(folder / "*.png"), str(folder / "a.jpg")], "out")
    assert pairs(jobs) == [("b.png", "out/b.png", "picture"), ("a.jpg", "out/a.jpg", "picture")]


def test_folder_of_pictures_to_a_video(folder):
    assert plan_jobs([str(folder)], "out.mp4") == [Job(folder, Path("out.mp4"), "video")]


def test_video_to_pictures(folder):
    assert pairs(plan_jobs([str(folder / "clip.mp4")], "frames/%04d.png")) == [
        ("clip.mp4", "frames/%04d.png", "video")
    ]


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        (["a.jpg", "b.png"], "out.jpg", "several inputs need a folder as output, got the file 'out.jpg'"),
        (["a.jpg"], "out.mp4", "a picture can be written as one of"),
        (["a.jpg"], "out.xyz", "'out.xyz': a picture can be written as one of"),
        (["clip.mp4"], "out.jpg", "a video is written as .* or as pictures, as in frames/%06d.png"),
        (["a.jpg", "a.jpg"], "out", "would both be written to out/a.jpg"),
    ],
)
def test_output_that_does_not_fit_is_refused(folder, inputs, output, message):
    with pytest.raises(UsageError, match=message):
        plan_jobs([str(folder / name) for name in inputs], output)


def test_input_is_never_overwritten(folder):
    with pytest.raises(UsageError, match=r"the output would overwrite the input .*a.jpg"):
        plan_jobs([str(folder / "a.jpg")], str(folder / "a.jpg"))
    with pytest.raises(UsageError, match="the output would overwrite the input"):
        plan_jobs([str(folder)], str(folder))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.jpg", "no such file"),
        ("notes.txt", "not a known kind of picture or video"),
        ("*.webp", "no picture or video matches"),
        ("rtsp://camera", "no such file .live sources: artrt live."),
    ],
)
def test_wrong_input_is_named(folder, name, message):
    with pytest.raises(InputError, match=message):
        plan_jobs([name if "://" in name else str(folder / name)], "out")


def test_folder_without_pictures(tmp_path):
    with pytest.raises(InputError, match="no pictures or videos in this folder"):
        plan_jobs([str(tmp_path)], "out")


def test_picture_is_done(folder, tmp_path, chain):
    done = run_job(Job(folder / "b.png", tmp_path / "new" / "b.png", "picture"), chain)
    assert np.array_equal(read_image(tmp_path / "new" / "b.png"), 255 - read_image(folder / "b.png"))
    assert (done.width, done.height, done.frames) == (16, 12, 1)
    assert done.fps > 0


def test_picture_is_scaled_with_its_alpha(tmp_path, picture, chain):
    write_image(tmp_path / "a.png", picture(20, 30), alpha=np.full((20, 30), 200, np.uint8))
    done = run_job(Job(tmp_path / "a.png", tmp_path / "b.png", "picture"), chain, size=Size.parse("10"))
    image, alpha = read_image_with_alpha(tmp_path / "b.png")
    assert (done.width, done.height) == (15, 10)
    assert image.shape == (10, 15, 3)
    assert alpha.tolist() == np.full((10, 15), 200).tolist()


def test_folder_becomes_a_video_and_the_chain_stays_open(tmp_path, picture, chain):
    for number in range(5):
        write_image(tmp_path / "in" / f"{number}.png", picture(32, 48, seed=number))
    seen = []
    job = Job(tmp_path / "in", tmp_path / "new" / "out.mp4", "video")
    done = run_job(job, chain, on_frame=lambda count, total: seen.append((count, total)))
    assert (done.width, done.height, done.frames) == (48, 32, 5)
    assert all(total == 5 for _, total in seen)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out.mp4"]
    chain(picture(4, 4))


def test_shape_of_pixels_and_tags_of_a_video_are_kept(tmp_path, chain):
    import av

    clip = write_footage(
        tmp_path / "a: 1.mkv",
        [level_picture(k, 97, 64) for k in range(4)],
        layout="yuv444p",
        prepare=lambda stream: (
            setattr(stream.codec_context, "sample_aspect_ratio", Fraction(4, 3)),
            stream.container.metadata.update({"title": "Holiday"}),
        ),
    )
    for number, keep in enumerate((True, False)):
        target = tmp_path / f"out: {number}.mp4"
        done = run_job(Job(clip, target, "video"), chain, keep_metadata=keep)
        with av.open(f"file:{target}") as container:
            stream = container.streams.video[0]
            assert (stream.width, stream.height) == (done.width, done.height) == (96, 64)
            assert stream.sample_aspect_ratio == Fraction(4, 3)
            assert container.metadata.get("title") == ("Holiday" if keep else None)
    run_job(Job(clip, tmp_path / "%d.png", "video"), chain)
    assert read_image(tmp_path / "1.png").shape == (64, 129, 3)


def test_what_a_video_lacks_is_among_the_notes(tmp_path, chain):
    random = np.random.default_rng(0)
    noise = [random.integers(0, 256, (64, 96, 3), dtype=np.uint8) for _ in range(30)]
    clip = first_half(write_footage(tmp_path / "a.mkv", noise))
    done = run_job(Job(clip, tmp_path / "out.mp4", "video"), chain)
    assert len(done.notes) == 1
    assert "the file is damaged or cut off" in done.notes[0]
