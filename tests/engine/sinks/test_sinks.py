from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from artrt.engine.errors import MissingExtraError, OutputError, UsageError
from artrt.engine.files import lock, temporary_beside
from artrt.engine.frame import Frame, read_image
from artrt.engine.result import Result
from artrt.engine.sinks import EncodeOptions, encoder, open_sink
from artrt.engine.sinks.encoder import VideoEncoder, prove_encoder
from artrt.engine.sources import SourceInfo, SourceOptions
from artrt.engine.sources.video import VideoSource
from support.clips import level_picture, levels, make_clip, probe
from support.disks import small_disk

INFO = SourceInfo("test", live=False, width=64, height=48, rate=Fraction(25), time_base=Fraction(1, 25))


def results(count=10, *, width=64, height=48, rate=25.0):
    for k in range(count):
        image = level_picture(k, width, height)
        yield Result(Frame(image, k, k / rate), image)


def write(sink, items, *, info=INFO, completed=True):
    sink.open(info)
    for item in items:
        sink.write(item)
    sink.close(completed=completed)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm"])
def test_file_keeps_count_rate_size_and_order(tmp_path, name):
    write(open_sink(tmp_path / name), results(12))
    found = probe(tmp_path / name)
    assert (found.frames, found.width, found.height) == (12, 64, 48)
    assert found.rate == 25
    assert found.seconds == pytest.approx(12 / 25, abs=0.005)
    np.testing.assert_allclose(levels(tmp_path / name), np.arange(12) * 8, atol=6)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_file_has_its_name_only_when_complete(tmp_path):
    sink = open_sink(tmp_path / "a.mp4")
    sink.open(INFO)
    for item in results(3):
        sink.write(item)
        assert not (tmp_path / "a.mp4").exists()
    sink.close(completed=False)
    assert probe(tmp_path / "a.mp4").frames == 3


def test_file_without_frames_is_not_written(tmp_path):
    write(open_sink(tmp_path / "a.mp4"), [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("width", "height"), [(65, 48), (64, 49), (1, 1), (33, 7)])
def test_sides_are_even_and_colours_those_that_every_player_plays(tmp_path, width, height):
    write(open_sink(tmp_path / "a.mp4"), results(4, width=width, height=height))
    found = probe(tmp_path / "a.mp4")
    assert (found.width, found.height, found.frames) == (max(2, width // 2 * 2), max(2, height // 2 * 2), 4)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.video[0].pix_fmt == "yuv420p"


def test_colours_survive(tmp_path):
    bars = np.zeros((48, 64, 3), np.uint8)
    for column, colour in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255), (40, 120, 200)]):
        bars[:, 16 * column : 16 * column + 16] = colour
    write(
        open_sink(tmp_path / "a.mp4", options=EncodeOptions(quality=5)),
        [Result(Frame(bars, k, k / 25), bars) for k in range(3)],
    )
    import av

    with av.open(str(tmp_path / "a.mp4")) as container:
        decoded = next(container.decode(video=0)).to_ndarray(format="bgr24")
    for column in range(4):
        place = np.s_[8:40, 16 * column + 5 : 16 * column + 11]
        np.testing.assert_allclose(decoded[place].mean((0, 1)), bars[place].mean((0, 1)), atol=6)


def test_a_change_of_size_is_scaled_to_the_first(tmp_path):
    items = [
        *results(3),
        *(
            replace(r, frame=replace(r.frame, time_seconds=1 + r.time_seconds))
            for r in results(3, width=128, height=96)
        ),
    ]
    write(open_sink(tmp_path / "a.mp4"), items)
    found = probe(tmp_path / "a.mp4")
    assert (found.frames, found.width, found.height) == (6, 64, 48)


def test_uneven_times_are_kept(tmp_path):
    times = [0.0, 0.1, 0.11, 0.5]
    items = [
        Result(Frame(level_picture(k, 64, 48), k, time), level_picture(k, 64, 48))
        for k, time in enumerate(times)
    ]
    write(open_sink(tmp_path / "a.mp4"), items, info=replace(INFO, time_base=Fraction(1, 90000)))
    import av

    with av.open(str(tmp_path / "a.mp4")) as container:
        np.testing.assert_allclose([f.time for f in container.decode(video=0)], times, atol=1e-3)


@pytest.mark.parametrize(
    ("source", "target", "codec"),
    [
        ("a.mp4", "b.mp4", "aac"),
        ("a.mp4", "b.mkv", "aac"),
        ("a.mp4", "b.webm", "opus"),
        ("a.mkv", "b.mp4", "aac"),
    ],
)
def test_audio_is_carried_over(tmp_path, source, target, codec):
    clip = make_clip(tmp_path / source, frames=25, audio="aac")
    write(open_sink(tmp_path / target), results(25), info=replace(INFO, audio=clip))
    found = probe(tmp_path / target)
    assert found.audio == codec
    assert found.audio_seconds == pytest.approx(probe(clip).audio_seconds, abs=0.06)


def test_audio_ends_with_a_stopped_video(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=100, audio="aac")
    write(open_sink(tmp_path / "b.mp4"), results(25), info=replace(INFO, audio=clip), completed=False)
    assert 0.9 < probe(tmp_path / "b.mp4").audio_seconds < 1.8


@pytest.mark.parametrize("name", ["b.mp4", "b.mkv", "b.webm"])
def test_a_recording_from_the_middle_starts_at_its_first_picture(tmp_path, name):
    clip = make_clip(tmp_path / "a.mp4", frames=100, audio="aac")
    write(open_sink(tmp_path / name), list(results(100))[50:], info=replace(INFO, audio=clip))
    found = probe(tmp_path / name)
    assert (found.frames, found.start) == (50, pytest.approx(0, abs=0.01))
    assert found.audio_seconds == pytest.approx(2, abs=0.06)


def test_a_live_source_starts_at_its_first_picture(tmp_path):
    info = replace(INFO, live=True, time_base=Fraction(1, 90000))
    late = [
        replace(item, frame=replace(item.frame, time_seconds=0.7 + item.time_seconds)) for item in results(5)
    ]
    write(open_sink(tmp_path / "a.mp4"), late, info=info)
    assert probe(tmp_path / "a.mp4").start == pytest.approx(0, abs=0.001)


def test_audio_can_be_left_out(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=10, audio="aac")
    sink = open_sink(tmp_path / "b.mp4", options=EncodeOptions(audio=False))
    write(sink, results(10), info=replace(INFO, audio=clip))
    assert probe(tmp_path / "b.mp4").audio is None


def test_bitrate_is_obeyed(tmp_path):
    rng = np.random.default_rng(0)
    items = [
        Result(Frame(image, k, k / 25), image)
        for k, image in enumerate(rng.integers(0, 255, (50, 96, 128, 3), dtype=np.uint8))
    ]
    for name, rate in (("low.mp4", 100_000), ("high.mp4", 800_000)):
        write(open_sink(tmp_path / name, options=EncodeOptions(bitrate=rate)), items)
    low, high = ((tmp_path / name).stat().st_size for name in ("low.mp4", "high.mp4"))
    assert high > 2 * low


def test_a_folder_that_cannot_be_is_refused_at_open(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be created|does not exist"):
        open_sink(tmp_path / "file" / "a.mp4").open(INFO)


def test_missing_folder_is_made(tmp_path):
    write(open_sink(tmp_path / "new" / "a.mp4"), results(2))
    assert probe(tmp_path / "new" / "a.mp4").frames == 2


@pytest.mark.parametrize("gaps", [[1, 1, 23, 1, 1, 33, 1, 1], [60, 1, 7, 60, 1], [1] * 70])
def test_no_frame_is_lost_at_a_gap_of_time(tmp_path, gaps):
    times = np.cumsum([0, *gaps]) / 25
    items = [
        Result(Frame(image, k, t), image) for k, t in enumerate(times) for image in [level_picture(k, 64, 48)]
    ]
    write(open_sink(tmp_path / "a.mp4"), items)
    assert probe(tmp_path / "a.mp4").frames == len(times)


@pytest.mark.parametrize("codec", ["no_such_codec", "h264_nvenc", "h264_v4l2m2m"])
def test_an_encoder_that_does_not_work_fails_at_start(tmp_path, codec):
    if codec == "h264_nvenc" and Path("/dev/nvidiactl").exists():
        pytest.skip("this machine has an NVIDIA GPU")
    if codec == "h264_v4l2m2m" and list(Path("/dev").glob("video1*")):
        pytest.skip("this machine may have a V4L2 encoder")
    with pytest.raises(OutputError, match="no encoder|does not work here: it needs|gave no picture"):
        open_sink(tmp_path / "a.mp4", options=EncodeOptions(codec=codec)).open(INFO)
    assert list(tmp_path.iterdir()) == []


def test_only_hardware_encoders_are_proved(monkeypatch):
    tried = []
    monkeypatch.setattr(encoder, "_trial", lambda codec: tried.append(codec) or iter([codec]))
    for codec in ("libx264", "libvpx-vp9", "h264_nvenc"):
        if codec in av.codecs_available:
            prove_encoder(codec)
    assert tried == [codec for codec in ("h264_nvenc",) if codec in av.codecs_available]


def test_disk_full_keeps_what_fitted(tmp_path):
    with small_disk(tmp_path / "small") as folder:
        rng = np.random.default_rng(0)
        sink = open_sink(folder / "a.mp4")
        sink.open(INFO)
        with pytest.raises(OutputError, match="the disk is full"):
            for k in range(1000):
                image = rng.integers(0, 255, (96, 128, 3), dtype=np.uint8)
                sink.write(Result(Frame(image, k, k / 25), image))
        sink.close(completed=False)
        assert [path.name for path in folder.iterdir()] == ["a.mp4"]
        assert probe(folder / "a.mp4").frames >= 10


def test_disk_full_is_told_from_other_errors(tmp_path, monkeypatch):
    sink = open_sink(tmp_path / "a.mp4")
    sink.open(INFO)
    sink.write(next(results(1)))

    def fail(*_, **__):
        raise OSError(errno.EIO, "broken disk")

    monkeypatch.setattr(sink._encoder, "write", fail)
    with pytest.raises(OutputError, match="broken disk"):
        sink.write(next(results(1)))
    sink.close(completed=False)


def test_one_picture(tmp_path):
    write(open_sink(tmp_path / "a.png"), list(results(2))[1:])
    assert read_image(tmp_path / "a.png").mean() == 8


def test_one_picture_of_many_frames_is_refused(tmp_path):
    sink = open_sink(tmp_path / "a.png")
    sink.open(INFO)
    with pytest.raises(OutputError, match="a-%06d.png"):
        for item in results(2):
            sink.write(item)


def test_numbered_pictures(tmp_path):
    write(open_sink(str(tmp_path / "frames" / "%04d.png")), results(3))
    assert sorted(path.name for path in (tmp_path / "frames").iterdir()) == [
        "0001.png",
        "0002.png",
        "0003.png",
    ]
    assert read_image(tmp_path / "frames" / "0003.png").mean() == 16


def test_folder_keeps_the_names_of_pictures(tmp_path):
    write(open_sink(f"{tmp_path}/out/"), results(2), info=replace(INFO, names=("x.png", "y.jpg")))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["x.png", "y.jpg"]


@pytest.mark.parametrize("address", ["a.xyz", "gopher://x", "frames/%06d-%06d.png"])
def test_outputs_of_no_kind_are_refused(address):
    with pytest.raises(UsageError, match="unknown kind|expected"):
        open_sink(address)


def test_folder_that_cannot_be_written(tmp_path, monkeypatch):
    tmp_path.chmod(0o500)
    if os.geteuid() == 0:  # root may write everywhere, but for a disk that is mounted read-only
        monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(OutputError, match="cannot be written"):
        open_sink(tmp_path / "a.mp4").open(INFO)


def test_virtual_camera_says_what_is_missing():
    if list(Path("/dev").glob("video*")):
        pytest.skip("there may be a virtual camera here")
    sink = open_sink("vcam://")
    with pytest.raises((OutputError, MissingExtraError), match=r"v4l2loopback|artrt\[vcam\]"):
        sink.open(INFO)
    sink.close(completed=False)


def test_a_part_does_not_replace_a_good_file(tmp_path):
    good = tmp_path / "a.mp4"
    write(open_sink(good), results(20))
    before = good.read_bytes()
    sink = open_sink(good, options=EncodeOptions(whole=True))
    sink.open(INFO)
    for result in results(12):
        sink.write(result)
    sink.close(completed=False)
    assert good.read_bytes() == before
    assert 0 < probe(tmp_path / "a.partial.mp4").frames <= 12
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "a.partial.mp4"]


def test_a_recording_that_was_stopped_keeps_its_name(tmp_path):
    write(open_sink(tmp_path / "a.mkv"), results(12), completed=False)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]


def test_a_video_that_breaks_at_once_leaves_nothing(tmp_path, monkeypatch):
    sink = open_sink(tmp_path / "a.mp4", options=EncodeOptions(whole=True))
    sink.open(INFO)
    monkeypatch.setattr(VideoEncoder, "write", _refused)
    with pytest.raises(OutputError, match="not permitted"):
        sink.write(next(results(1)))
    sink.close(completed=False)
    assert list(tmp_path.iterdir()) == []


def test_a_recording_that_breaks_leaves_the_file_of_its_name(tmp_path, monkeypatch):
    good = tmp_path / "a.mkv"
    write(open_sink(good), results(20))
    before = good.read_bytes()
    sink = open_sink(good)
    sink.open(INFO)
    for result in results(12):
        sink.write(result)
    monkeypatch.setattr(VideoEncoder, "write", _refused)
    with pytest.raises(OutputError, match=r"not permitted; .* is in .*a\.partial\.mkv"):
        sink.write(next(results(1)))
    sink.close(completed=False)
    assert good.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) in (["a.mkv"], ["a.mkv", "a.partial.mkv"])


def _refused(*_, **__):
    raise OSError(errno.EPERM, "not permitted")


def test_names_of_any_length(tmp_path):
    name = "n" * 250 + ".mp4"
    write(open_sink(tmp_path / name), results(3))
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("source", "arguments", "codec", "rate", "channels"),
    [
        ("in.ts", ["-c:a", "aac", "-ac", "2"], "aac", 44100, 2),
        ("in.mkv", ["-c:a", "pcm_s16le", "-ar", "192000", "-ac", "1"], "aac", 96000, 1),
        ("in.mkv", ["-c:a", "ac3", "-ac", "6", "-ar", "48000"], "ac3", 48000, 6),
        ("in.mkv", ["-c:a", "pcm_s16le", "-ac", "6", "-ar", "48000"], "aac", 48000, 6),
        ("in.mkv", ["-c:a", "dca", "-strict", "-2", "-ac", "6", "-ar", "48000"], "aac", 48000, 6),
    ],
)
def test_sound_of_broadcasts_and_studios(tmp_path, source, arguments, codec, rate, channels):
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    video = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=96x64:r=25:d=1",
        "-f",
        "lavfi",
        "-i",
        "sine=f=440:d=1:r=44100",
        "-c:v",
        "libx264",
    ]
    command = ["ffmpeg", "-loglevel", "error", "-y", *video, *arguments, str(tmp_path / source)]
    subprocess.run(command, check=True, timeout=60)
    clip = VideoSource(str(tmp_path / source), options=SourceOptions())
    frames = [Result(frame, frame.image) for frame in iter(clip.read, None)]
    write(open_sink(tmp_path / "out.mp4"), frames, info=clip.info)
    clip.close()
    with av.open(str(tmp_path / "out.mp4")) as container:
        track = container.streams.audio[0]
        assert (track.codec_context.name, track.rate, track.channels) == (codec, rate, channels)
        seconds = sum(frame.samples / frame.rate for frame in container.decode(audio=0))
    assert abs(seconds - 1) < 0.1


def left_behind(path, number, frames):
    """The hidden file of a process of that number that was killed."""
    write(open_sink(path), results(frames))
    left = temporary_beside(path)
    return path.replace(left.with_name(left.name.replace(str(os.getpid()), str(number))))


GONE = 2**22 + 1  # above the largest number that Linux gives


def test_what_a_dead_process_left_is_kept_as_a_part(tmp_path):
    left_behind(tmp_path / "a.mp4", GONE, 5)
    left_behind(tmp_path / "b.mp4", GONE, 5)
    other = {path.name for path in tmp_path.iterdir() if path != temporary_beside(tmp_path / "a.mp4")}
    write(open_sink(tmp_path / "a.mp4"), results(3))
    assert probe(tmp_path / "a.partial.mp4").frames == 5
    assert probe(tmp_path / "a.mp4").frames == 3
    assert len({path.name for path in tmp_path.iterdir()} & other) == 1, "that of another name is left alone"


def test_what_a_dead_process_left_without_a_picture_is_removed(tmp_path):
    left_behind(tmp_path / "a.mkv", GONE, 5).write_bytes(b"x" * 88)
    write(open_sink(tmp_path / "a.mkv"), results(3))
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]


@pytest.mark.parametrize("use", ["running", "locked"])
def test_what_is_in_use_is_left_alone(tmp_path, use):
    left = left_behind(tmp_path / "a.mp4", os.getppid() if use == "running" else GONE, 5)
    with contextlib.ExitStack() as stack:
        if use == "locked":  # by a process of another container
            stack.enter_context(lock(left))
        write(open_sink(tmp_path / "a.mp4"), results(3))
    assert left.exists()
    assert not (tmp_path / "a.partial.mp4").exists()


def test_a_growing_video_is_locked(tmp_path):
    sink = open_sink(tmp_path / "a.mp4")
    sink.open(INFO)
    for result in results(80):
        sink.write(result)
    assert lock(temporary_beside(tmp_path / "a.mp4")) is None
    sink.close(completed=True)
