"""Things that go wrong on real sources, disks and networks."""

from __future__ import annotations

import contextlib
import http.server
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from artrt.engine.errors import InputError, OutputError, SourceLostError
from artrt.engine.frame import Frame
from artrt.engine.looks.building import open_look
from artrt.engine.looks.look import Look
from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.sinks import EncodeOptions, NullSink, WebOptions, open_sink
from artrt.engine.sources import SourceInfo, SourceOptions, open_source
from support.clips import probe
from support.disks import small_disk
from support.page import COLOURS, Client, page


def eventually(condition, *, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


class CameraServer:
    """An MJPEG camera on this machine that can die, come back, change its size and send rubbish."""

    def __init__(self, port: int = 0):
        camera = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                while camera.alive:
                    for part in camera.parts():
                        self.wfile.write(part)
                    time.sleep(0.02)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_):
                pass

        self.alive, self.corrupt, self.size, self.count = True, False, (64, 48), 0
        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/camera"

    def parts(self):
        self.count += 1
        image = np.full((self.size[1], self.size[0], 3), self.count % 200, np.uint8)
        data = cv2.imencode(".jpg", image)[1].tobytes()
        if self.corrupt and self.count % 3:
            data = data[:100] + bytes(200) + data[150:]
        yield (
            b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data) + data + b"\r\n"
        )

    def die(self):
        self.alive = False
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def camera():
    server = CameraServer()
    yield server
    if server.alive:
        server.die()


def test_a_camera_that_dies_and_comes_back(camera):
    options = SourceOptions(reconnect_seconds=20)
    with Pipeline(camera.url, [], [NullSink()], options=options) as pipeline:
        eventually(lambda: pipeline.stats().frames_out > 5)
        camera.die()
        time.sleep(0.6)
        again = CameraServer(camera.port)
        before = pipeline.stats().frames_out
        eventually(lambda: pipeline.stats().reconnects == 1 and pipeline.stats().frames_out > before + 5)
        again.die()


def test_a_camera_that_stays_away_ends_the_pipeline_and_leaves_the_file(camera, tmp_path):
    pipeline = Pipeline(camera.url, [], [tmp_path / "a.mp4"], options=SourceOptions(reconnect_seconds=0.5))
    threading.Timer(1.0, camera.die).start()
    with pytest.raises(SourceLostError, match="could not be reopened"):
        pipeline.run()
    assert probe(tmp_path / "a.mp4").frames > 3


def test_a_camera_that_was_never_there():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(InputError, match="cannot be opened"):
        open_source(f"http://127.0.0.1:{port}/camera")


def test_a_silent_camera_does_not_hold_the_end_up():
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    picture = cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes()

    def serve():
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
            )
            part = (
                b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(picture)
                + picture
                + b"\r\n"
            )
            connection.sendall(part * 8)
            silent.wait(30)

    silent = threading.Event()
    threading.Thread(target=serve, daemon=True).start()
    pipeline = Pipeline(f"http://127.0.0.1:{port}/camera", [], [NullSink()]).start()
    eventually(lambda: pipeline.stats().frames_out >= 1)
    time.sleep(0.5)
    started = time.monotonic()
    pipeline.stop()
    pipeline.wait()
    assert time.monotonic() - started < 3
    silent.set()
    listener.close()


def test_a_camera_that_changes_its_size(camera, tmp_path):
    with Pipeline(camera.url, [lambda image: 255 - image], [tmp_path / "a.mp4"]) as pipeline:
        eventually(lambda: pipeline.stats().frames_out > 5)
        camera.size = (128, 96)
        time.sleep(0.3)
        before = pipeline.stats().frames_out
        eventually(lambda: pipeline.stats().frames_out > before + 5)
    found = probe(tmp_path / "a.mp4")
    assert (found.width, found.height) == (64, 48)


def test_a_source_that_changes_its_size_goes_through_stages(tmp_path, use_tiny_zoo):
    class Changing:
        reconnects = 0
        info = SourceInfo("changing", live=False, rate=Fraction(25), time_base=Fraction(1, 25))
        index = 0

        def read(self):
            self.index += 1
            shape = (48, 64, 3) if self.index <= 5 else (96, 128, 3)
            frame = Frame(np.full(shape, 100, np.uint8), self.index - 1, self.index / 25, time.monotonic())
            return frame if self.index <= 10 else None

        def cancel(self):
            pass

        close = cancel

    chain, controls = open_look(Look("udnie", stabilize=0.8, provider="cpu", switchable=True))
    with chain:
        results = list(Pipeline(Changing(), [chain], [tmp_path / "a.mp4"], controls=controls).results())
    assert [result.image.shape[0] for result in results] == [48] * 5 + [96] * 5
    assert probe(tmp_path / "a.mp4").frames == 10


def test_a_camera_that_sends_rubbish(camera, capfd):
    with Pipeline(camera.url, [], [NullSink()]) as pipeline:
        eventually(lambda: pipeline.stats().frames_out > 5)
        camera.corrupt = True
        time.sleep(0.5)
        camera.corrupt = False
        before = pipeline.stats().frames_out
        eventually(lambda: pipeline.stats().frames_out > before + 5)


def test_a_stream_over_udp_that_pauses():
    if shutil.which("ffmpeg") is None:
        pytest.skip("needs ffmpeg")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        address = f"udp://127.0.0.1:{free.getsockname()[1]}"
    picture = ["-re", "-f", "lavfi", "-i", "testsrc=size=160x120:rate=25"]
    encoder = ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "12"]
    command = ["ffmpeg", "-v", "error", *picture, *encoder, "-f", "mpegts", f"{address}?pkt_size=1316"]

    def opened():
        with contextlib.suppress(InputError):  # the sender may need a while to start
            return Pipeline(address, [], [NullSink()], options=SourceOptions(reconnect_seconds=60))

    pipelines = []
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as sender:
        eventually(lambda: pipelines.append(opened()) or pipelines[-1])
        with pipelines[-1] as pipeline:
            eventually(lambda: pipeline.stats().frames_out > 5)
            assert (pipeline.info.width, pipeline.info.height) == (160, 120)
            sender.kill()
            sender.wait()
            before = pipeline.stats().frames_out
            with subprocess.Popen(command, stdin=subprocess.DEVNULL) as again:
                eventually(lambda: pipeline.stats().frames_out > before + 30)
                again.kill()


def test_a_file_with_corrupt_packets_plays_on(tmp_path):
    Pipeline("test://160x90@25?frames=60", [], [tmp_path / "a.mp4"], frames="all").run()
    with av.open(str(tmp_path / "a.mp4")) as container, av.open(str(tmp_path / "b.mkv"), "w") as damaged:
        track = damaged.add_stream_from_template(container.streams.video[0])
        for count, packet in enumerate(container.demux(video=0)):
            if packet.dts is None:
                continue
            data = bytearray(bytes(packet))
            if count % 7 == 3:
                data[4 : len(data) // 2] = bytes(len(data) // 2 - 4)
            broken = av.Packet(bytes(data))
            broken.pts, broken.dts, broken.time_base = packet.pts, packet.dts, packet.time_base
            broken.is_keyframe, broken.stream = packet.is_keyframe, track
            damaged.mux(broken)
    stats = Pipeline(tmp_path / "b.mkv", [], [NullSink()]).run()
    assert 30 <= stats.frames_out <= 60


def test_an_encoder_that_fails_at_start_leaves_nothing(tmp_path):
    sink = open_sink(tmp_path / "a.mp4", options=EncodeOptions(codec="no_such_codec"))
    with pytest.raises(OutputError, match="no encoder"):
        Pipeline("test://64x48@30", [], [sink]).run()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_ends_the_pipeline_and_leaves_the_file(tmp_path):
    rng = np.random.default_rng(0)

    def noise(image):
        return rng.integers(0, 255, (96, 128, 3), dtype=np.uint8)

    with small_disk(tmp_path / "small") as folder:
        pipeline = Pipeline(
            "test://64x48@30?frames=5000", [noise], [folder / "a.mp4", NullSink()], frames="all"
        )
        with pytest.raises(OutputError, match="the disk is full"):
            pipeline.run()
        assert [path.name for path in folder.iterdir()] == ["a.mp4"]
        assert 10 <= probe(folder / "a.mp4").frames <= pipeline.stats().sinks[str(folder / "a.mp4")].written


def test_a_server_that_is_not_there_ends_a_push_once():
    with pytest.raises(OutputError, match="cannot be reached"):
        Pipeline("test://64x48@30", [], ["rtmp://127.0.0.1:9/live"]).run()


RECEIVER = """
import av, sys
address, option, value = sys.argv[1:]
quick = {"analyzeduration": "200000", "probesize": "50000"}
with av.open(address, options={option: value}, container_options=quick) as container:
    for count, frame in enumerate(container.decode(video=0)):
        if count == 9:
            print(frame.width, frame.height, flush=True)
            break
    sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("scheme", "option"), [("rtmp", ("listen", "1")), ("rtsp", ("listen_timeout", "30"))]
)
def test_a_push_reaches_a_server(scheme, option):
    """FFmpeg itself listens as the server, in a process of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"{scheme}://127.0.0.1:{port}/live"
    command = [sys.executable, "-c", RECEIVER, address, *option]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **pipes) as receiver:
        try:
            wait_for_listener(port)
            with Pipeline("test://65x49@30", [], [address]):
                assert receiver.stdout.readline() == "64 48\n"
        finally:
            receiver.kill()


def wait_for_listener(port: int) -> None:
    """Waits until somebody listens, without connecting: the servers here take one client."""
    pattern = f":{port:04X} 00000000:0000 0A"
    eventually(lambda: pattern in Path("/proc/net/tcp").read_text())


def test_a_viewer_that_never_reads_costs_nothing():
    with page(source="test://640x360@60") as (_, pipeline, client):
        sleepers = []
        for _ in range(3):
            sleeper = socket.socket()
            sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sleeper.connect(("127.0.0.1", client.port))
            sleeper.sendall(f"GET /stream.mjpg HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n\r\n".encode())
            sleepers.append(sleeper)
        eventually(lambda: client.state()["viewers"] == 3)
        memory = memory_kb()
        before = pipeline.stats().frames_out
        eventually(lambda: pipeline.stats().frames_out > before + 150, seconds=60)
        read_from = pipeline.stats().frames_out
        received = waiting(sleepers[0]).count(b"image/jpeg")
        made_meanwhile = pipeline.stats().frames_out - read_from
        assert received - made_meanwhile < 75, "it lost pictures instead of getting old ones"
        assert memory_kb() - memory < 40_000
        assert client.get("/snapshot.png").status == 200
        for sleeper in sleepers:
            sleeper.close()
        eventually(lambda: client.state()["viewers"] == 0)


def memory_kb() -> int:
    """What this process holds now; the peak, which earlier tests may have set, would tell nothing."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[1])


def waiting(connection) -> bytes:
    """What was on its way to somebody who did not read."""
    connection.settimeout(0.02)
    data, deadline = b"", time.monotonic() + 2  # new pictures go on coming
    with contextlib.suppress(TimeoutError):
        while time.monotonic() < deadline and (part := connection.recv(1 << 20)):
            data += part
    return data


def test_fifty_viewers_and_one_too_many():
    with page(options=WebOptions(max_clients=50)) as (_, _, client):
        viewers = []
        for number in range(50):
            source = (f"127.0.0.{2 + number}", 0)
            viewer = socket.create_connection(("127.0.0.1", client.port), timeout=60, source_address=source)
            viewer.sendall(f"GET /stream.mjpg HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n\r\n".encode())
            viewers.append(viewer)
        eventually(lambda: client.state()["viewers"] == 50)
        for viewer in viewers:
            data = b""
            while data.count(b"image/jpeg") < 3:
                data += viewer.recv(65536)
        assert client.get("/stream.mjpg").status == 503
        assert client.get("/api/state").status == 200
        for viewer in viewers:
            viewer.close()


def test_a_page_survives_a_style_that_fails():
    with page() as (_, pipeline, client):
        assert client.post("/api/controls", {"style": "nothing"}).status == 400
        assert client.state()["style"] in COLOURS
        before = pipeline.stats().frames_out
        eventually(lambda: pipeline.stats().frames_out > before)
        assert isinstance(client, Client)


def test_memory_does_not_grow_with_the_frames():
    """A shortened form of the endurance run of benchmarks/pipeline.py."""
    levels = []

    def watch(result):
        if result.index in (1000, 4999):
            levels.append(memory_kb())

    from artrt.engine.sinks import FunctionSink

    Pipeline("test://160x90@30?frames=5000", [lambda i: 255 - i], [FunctionSink(watch)], frames="all").run()
    assert levels[1] - levels[0] < 10_000
