from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from artrt.engine.sources import open_source
from support.clips import make_clip
from support.footage import first_half, write_footage


def read_all(path):
    source = open_source(path)
    frames = []
    while (frame := source.read()) is not None:
        frames.append(frame)
    source.close()
    return frames, source


def noisy(count, *, height=64, width=96):
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(count)]


def test_avi_with_b_frames_has_its_times(tmp_path):
    levels = [np.full((48, 64, 3), 9 * k, np.uint8) for k in range(25)]
    clip = write_footage(tmp_path / "a.avi", levels, bf="3", preset="medium")
    frames, source = read_all(clip)
    np.testing.assert_allclose([frame.time_seconds for frame in frames], np.arange(25) / 25, atol=1e-6)
    np.testing.assert_allclose([frame.image.mean() for frame in frames], 9 * np.arange(25), atol=4)
    assert source.info.rate == 25


def combed(count):
    """Interlaced frames of a white bar that moves by 8 pixels between the two fields of a frame."""
    import av

    for k in range(count):
        image = np.zeros((64, 96, 3), np.uint8)
        image[0::2, 16 * k % 64 : 16 * k % 64 + 8] = 255
        image[1::2, 16 * k % 64 + 8 : 16 * k % 64 + 16] = 255
        yield av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format="yuv420p", threads=1)


def test_interlaced_video_is_deinterlaced_and_said_so(tmp_path):
    flags = 0x20000000 | 0x40000  # interlaced motion estimation and DCT
    clip = write_footage(
        tmp_path / "a.mp4",
        combed(8),
        crf="5",
        prepare=lambda stream: setattr(stream.codec_context, "flags", flags),
        **{"x264-params": "tff=1"},
    )
    frames, source = read_all(clip)
    assert len(frames) == 8
    np.testing.assert_allclose([frame.time_seconds for frame in frames], np.arange(8) / 25, atol=1e-6)
    for frame in frames[1:-1]:
        grey = frame.image[8:-8].astype(float).mean(axis=2)
        assert np.abs(np.diff(grey, axis=0)).mean() < 4  # with combs it is above 30
    assert "interlaced" in source.notes[0]


def test_whole_pictures_go_through_no_filter(tmp_path):
    frames, source = read_all(make_clip(tmp_path / "a.mp4", frames=4))
    assert len(frames) == 4
    assert source.notes == ()


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".webm"])
def test_half_a_file_is_said_so(tmp_path, suffix):
    codec = "libvpx-vp9" if suffix == ".webm" else "libx264"
    clip = write_footage(tmp_path / f"a{suffix}", noisy(50), codec=codec)
    frames, source = read_all(clip)
    assert (len(frames), source.notes) == (50, ())
    frames, source = read_all(first_half(clip))
    assert 10 < len(frames) < 40
    assert "the file is damaged or cut off" in source.notes[0]


def test_nothing_is_said_of_a_file_that_was_not_read_to_its_end(tmp_path):
    clip = write_footage(tmp_path / "a.mkv", noisy(10))
    source = open_source(clip)
    source.read()
    source.cancel()
    assert source.read() is None
    assert source.notes == ()
    source.close()


def test_a_video_shorter_than_its_sound_is_whole(tmp_path):
    clip = make_clip(tmp_path / "a.mkv", frames=50, rate=Fraction(25), audio="aac")
    assert read_all(clip)[1].notes == ()
