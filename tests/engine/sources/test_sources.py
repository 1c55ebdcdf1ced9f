from __future__ import annotations

import threading
import time
from fractions import Fraction

import cv2
import numpy as np
import pytest

from artrt.engine.errors import InputError, SourceLostError, UsageError
from artrt.engine.frame import Frame, read_image, write_image
from artrt.engine.sources import Size, SourceInfo, SourceOptions, open_source
from artrt.engine.sources.capture import CaptureSource, csi_pipeline
from artrt.engine.sources.reconnecting import ReconnectingSource
from artrt.engine.sources.scene import PHOTO
from support.clips import make_clip, rotate_clip


def frames_of(source) -> list[Frame]:
    frames = []
    while (frame := source.read()) is not None:
        frames.append(frame)
    source.close()
    return frames


@pytest.mark.parametrize(
    ("text", "picture", "expected"),
    [("512", (1280, 720), (910, 512)), ("512", (720, 1280), (512, 910)), ("64x32", (1280, 720), (64, 32))],
)
def test_size_is_the_short_side_or_both(text, picture, expected):
    assert Size.parse(text).of(*picture) == expected


@pytest.mark.parametrize("text", ["", "x", "12x", "0x4", "-3", "4x4x4", "wide"])
def test_size_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match="expected WIDTHxHEIGHT"):
        Size.parse(text)


def test_video_gives_every_frame_with_its_time(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=12, rate=Fraction(24000, 1001))
    source = open_source(clip)
    assert (source.info.width, source.info.height, source.info.frame_count) == (64, 48, 12)
    assert source.info.rate == Fraction(24000, 1001)
    assert not source.info.live
    frames = frames_of(source)
    assert [frame.index for frame in frames] == list(range(12))
    np.testing.assert_allclose([f.time_seconds for f in frames], np.arange(12) * 1001 / 24000, atol=1e-4)
    np.testing.assert_allclose([f.image.mean() for f in frames], np.arange(12) * 8, atol=5)


def test_video_with_uneven_times_keeps_them(tmp_path):
    times = [0, 0.04, 0.1, 0.5, 0.52, 1.3]
    clip = make_clip(tmp_path / "a.mkv", frames=6, times=times)
    np.testing.assert_allclose([f.time_seconds for f in frames_of(open_source(clip))], times, atol=2e-3)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_video_comes_upright(tmp_path, degrees):
    clip = make_clip(tmp_path / "a.mp4", frames=2)
    rotate_clip(clip, degrees)
    source = open_source(clip)
    expected = (64, 48) if degrees == 180 else (48, 64)
    assert (source.info.width, source.info.height) == expected
    assert frames_of(source)[0].image.shape == (expected[1], expected[0], 3)


def test_rotation_turns_the_right_way(tmp_path):
    import av

    path = tmp_path / "a.mp4"
    image = np.zeros((64, 96, 3), np.uint8)
    image[:, :48] = 255  # white on the left; turned clockwise by 90 degrees it is on top
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    rotate_clip(path, 90)
    upright = frames_of(open_source(path))[0].image
    assert upright[:40].mean() > 240
    assert upright[56:].mean() < 15


def test_video_is_scaled_when_asked(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=2)
    source = open_source(clip, options=SourceOptions(size=Size(24)))
    assert frames_of(source)[1].image.shape == (24, 32, 3)


def test_video_loops_with_growing_times(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=5)
    source = open_source(clip, options=SourceOptions(loop=True))
    frames = [source.read() for _ in range(12)]
    source.close()
    np.testing.assert_allclose([f.time_seconds for f in frames], np.arange(12) / 25, atol=1e-6)
    assert source.info.frame_count is None


@pytest.mark.parametrize(
    ("content", "match"),
    [(None, "no such file"), (b"", "empty"), (b"hello " * 500, "not a readable video")],
)
def test_what_is_no_video_is_said_in_one_line(tmp_path, content, match):
    path = tmp_path / "bad.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=match):
        open_source(path)


def test_truncated_video_is_refused(tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=30)
    clip.write_bytes(clip.read_bytes()[:900])
    with pytest.raises(InputError, match="not a readable video|no frame"):
        open_source(clip)


def test_audio_only_file_is_refused(tmp_path):
    import av

    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(InputError, match="no video track"):
        open_source(path)


def test_folder_gives_its_pictures_by_name(tmp_path, picture):
    for name in ("b.png", "a.jpg", "c.webp"):
        write_image(tmp_path / name, picture())
    (tmp_path / "notes.txt").write_text("not a picture")
    source = open_source(tmp_path)
    assert list(source.info.names) == ["a.jpg", "b.png", "c.webp"]
    assert len(frames_of(source)) == 3


def test_glob_gives_its_matches(tmp_path, picture):
    for name in ("a1.png", "a2.png", "b.png"):
        write_image(tmp_path / name, picture())
    assert len(frames_of(open_source(str(tmp_path / "a*.png")))) == 2
    with pytest.raises(InputError, match="no picture matches"):
        open_source(str(tmp_path / "z*.png"))


def test_folder_without_pictures_is_refused(tmp_path):
    with pytest.raises(InputError, match="no pictures in this folder"):
        open_source(tmp_path)


def test_scene_is_paced_when_live_and_not_when_all():
    started = time.monotonic()
    assert len(frames_of(open_source("test://64x32@20?frames=5"))) == 5
    assert time.monotonic() - started > 0.18
    started = time.monotonic()
    source = open_source("test://64x32@2?frames=40", frames="all")
    assert not source.info.live
    assert len(frames_of(source)) == 40
    assert time.monotonic() - started < 1.5


def test_scene_is_the_photograph_that_ships():
    photo, frame = read_image(PHOTO), frames_of(open_source("test://512x512@1000?frames=1"))[0].image
    place = cv2.matchTemplate(
        cv2.resize(photo, None, fx=1.3, fy=1.3), frame[100:400, 100:400], cv2.TM_CCOEFF_NORMED
    )
    assert place.max() > 0.95


def test_scene_moves():
    source = open_source("test://64x48@1000?frames=20")
    frames = frames_of(source)
    assert np.abs(frames[0].image.astype(int) - frames[10].image).mean() > 3


def test_cancel_ends_a_waiting_read():
    import threading

    source = open_source("test://64x48@0.1")
    source.read()
    threading.Timer(0.1, source.cancel).start()
    started = time.monotonic()
    assert source.read() is None
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    "address", ["test://axb", "test://0x10", "screen://x", "gopher://x", "csi://front", "v4l2://"]
)
def test_addresses_of_no_kind_are_refused(address):
    with pytest.raises(UsageError, match="expected|unknown kind"):
        open_source(address)


def test_a_camera_that_is_not_there(capfd):
    with pytest.raises(InputError, match="cannot be opened"):
        open_source("97")


@pytest.mark.parametrize("address", ["0", "/dev/video0", "v4l2:///dev/video0"])
def test_a_camera_is_asked_for_mjpg_size_and_rate(monkeypatch, address):
    import cv2

    asked = {}

    class Camera:
        def __init__(self, device, backend):
            asked.update(device=device, backend=backend)

        def isOpened(self):
            return True

        def read(self):
            return True, np.zeros((48, 64, 3), np.uint8)

        def set(self, what, value):
            asked[what] = value

        def get(self, what):
            return 60.0

        def release(self):
            pass

    monkeypatch.setattr("artrt.engine.sources.capture.cv2.VideoCapture", Camera)
    source = open_source(address, options=SourceOptions(size=Size(64, 48), fps=60))
    assert asked["device"] == (0 if address == "0" else "/dev/video0")
    if cv2.videoio_registry.hasBackend(cv2.CAP_V4L2):
        assert asked["backend"] == cv2.CAP_V4L2
    assert asked[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")
    sizes = cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS, cv2.CAP_PROP_BUFFERSIZE
    assert [asked[name] for name in sizes] == [64, 48, 60, 1]
    assert source.info.rate == 60
    source.close()


def test_csi_needs_gstreamer(monkeypatch):
    import cv2

    monkeypatch.setattr(cv2.videoio_registry, "hasBackend", lambda backend: backend != cv2.CAP_GSTREAMER)
    with pytest.raises(InputError, match="built with GStreamer"):
        open_source("csi://0")


def test_csi_pipeline_has_the_wanted_size_and_rate():
    text = csi_pipeline(1, options=SourceOptions(size=Size(1920, 1080), fps=60))
    assert "sensor-id=1 " in text
    assert "width=1920,height=1080,framerate=60/1" in text
    assert text.endswith("appsink drop=true max-buffers=1 sync=false")


class Flaky:
    """A live source that ends after `length` frames."""

    reconnects = 0

    def __init__(self, length: int):
        self.left = length
        self.info = SourceInfo("flaky", live=True)
        self.closed = False

    def read(self):
        self.left -= 1
        return Frame(np.zeros((4, 4, 3), np.uint8), 0, 0, time.monotonic()) if self.left >= 0 else None

    def cancel(self):
        pass

    def close(self):
        self.closed = True


def test_reconnection_goes_on_counting_frames_and_waits_longer_each_time(monkeypatch):
    opened, made, waits = [], [], []

    def opener():
        opened.append(True)
        if len(opened) in (2, 3, 4):
            raise InputError("not there")
        made.append(Flaky(3))
        return made[-1]

    source = ReconnectingSource(opener, limit_seconds=5)
    monkeypatch.setattr(source._cancelled, "wait", lambda seconds: waits.append(seconds))
    frames = [source.read() for _ in range(6)]
    assert [frame.index for frame in frames] == list(range(6))
    assert source.reconnects == 1
    assert made[0].closed
    assert waits == [0.25, 0.5, 1.0, 2.0]


def test_a_source_that_stays_away_is_lost(monkeypatch):
    sources = [Flaky(1)]

    def opener():
        if not sources:
            raise InputError("gone")
        return sources.pop()

    monkeypatch.setattr("artrt.engine.sources.reconnecting.FIRST_WAIT_SECONDS", 0.01)
    source = ReconnectingSource(opener, limit_seconds=0.15)
    assert source.read() is not None
    with pytest.raises(SourceLostError, match=r"could not be reopened within 0\.15 s"):
        source.read()


def test_cancel_ends_the_wait_for_a_lost_source():
    import threading

    sources = [Flaky(0)]

    def opener():
        if not sources:
            raise InputError("gone")
        return sources.pop()

    source = ReconnectingSource(opener, limit_seconds=60)
    threading.Timer(0.1, source.cancel).start()
    started = time.monotonic()
    assert source.read() is None
    assert time.monotonic() - started < 1


def test_cancel_ends_a_read_of_the_source_that_it_reopens():
    class Silent(Flaky):
        def __init__(self):
            super().__init__(0)
            self.ended = threading.Event()

        def read(self):
            self.ended.wait(20)

        def cancel(self):
            self.ended.set()

    source = ReconnectingSource(Silent, limit_seconds=60)
    threading.Timer(0.1, source.cancel).start()
    started = time.monotonic()
    assert source.read() is None
    assert time.monotonic() - started < 10


class OddCamera:
    """Stands in for a `cv2.VideoCapture`."""

    def __init__(self, picture):
        self.picture = picture

    def isOpened(self):
        return True

    def read(self):
        return True, self.picture.copy()

    def get(self, what):
        return 30.0

    def release(self):
        pass


GREY = np.full((48, 64), 200, np.uint8)
BLUE = np.full((48, 64, 3), (250, 60, 20), np.uint8)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (GREY, np.dstack([GREY] * 3)),
        (GREY[:, :, None], np.dstack([GREY] * 3)),
        (GREY.astype(np.uint16) * 257, np.dstack([GREY] * 3)),
        (BLUE.astype(np.uint16) * 257, BLUE),
        (np.dstack([BLUE, GREY]), BLUE),
        (cv2.cvtColor(BLUE, cv2.COLOR_BGR2YUV_YUY2), BLUE),
    ],
)
def test_pictures_of_odd_cameras_become_bgr(given, expected):
    source = CaptureSource(lambda: OddCamera(given), name="camera", options=SourceOptions())
    image = source.read().image
    assert (image.shape, image.dtype) == ((48, 64, 3), np.uint8)
    np.testing.assert_allclose(image.astype(int), expected.astype(int), atol=3)


@pytest.mark.parametrize("given", [np.zeros((48, 64, 5), np.uint8), np.zeros((48, 64, 3), np.int32)])
def test_pictures_of_no_known_kind_are_named(given):
    with pytest.raises(InputError, match=r"the camera gives (uint8|int32) \[48, 64, [35]\]"):
        CaptureSource(lambda: OddCamera(given), name="camera", options=SourceOptions())
