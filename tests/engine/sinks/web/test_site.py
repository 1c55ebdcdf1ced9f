from __future__ import annotations

import asyncio
import contextlib
import io
import json
import socket
import time

import cv2
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from artrt.engine.errors import OutputError, UsageError
from artrt.engine.frame import Frame
from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.result import Result
from artrt.engine.sinks import WebOptions
from artrt.engine.sinks.web.hub import Hub, Jpeg
from artrt.engine.sinks.web.sink import WebSink
from artrt.engine.sinks.web.stream import mjpeg_parts
from support.clips import probe
from support.page import Client, page


@pytest.fixture(scope="module")
def site():
    with page() as (_, pipeline, client):
        eventually(lambda: client.state()["stats"]["frames_out"] > 3)
        yield pipeline, client


def eventually(condition, *, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def picture(data: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image


def read_parts(port: int, count: int, *, path="/stream.mjpg") -> list[bytes]:
    """JPEG pictures of the MJPEG stream."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        stream = connection.makefile("rb")
        data = io.BytesIO()
        while data.getvalue().count(b"Content-Type: image/jpeg") <= count:
            data.write(stream.read(4096))
    parts = data.getvalue().split(b"--artrt-frame\r\n")[1 : count + 1]
    return [part.split(b"\r\n\r\n", 1)[1] for part in parts]


@contextlib.contextmanager
def watched(port, path):
    """A viewer who has got a picture and stays."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        stream = connection.makefile("rb")
        while b"image/jpeg" not in stream.readline():
            pass
        yield


def test_the_page_needs_no_other_host(site):
    _, client = site
    answer = client.get("/")
    text = answer.body.decode()
    assert answer.status == 200
    assert "http://" not in text
    assert "https://" not in text
    assert "{{" not in text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "DENY"


def test_the_stream_moves(site):
    _, client = site
    first, *_, last = (picture(part) for part in read_parts(client.port, 6))
    assert first.shape == (180, 320, 3)
    assert np.abs(first.astype(int) - last).max() > 20


@pytest.mark.parametrize("path", ["/stream.mjpg", "/api/events"])
def test_only_the_headers_of_what_never_ends(site, path):
    _, client = site
    answer = client.request("HEAD", path)
    assert (answer.status, answer.body) == (200, b"")
    eventually(lambda: client.state()["viewers"] == 0)


def test_a_change_of_style_changes_the_picture(site):
    _, client = site
    for name, channel in (("green", 1), ("red", 2), ("blue", 0)):
        assert client.post("/api/controls", {"style": name}).json["style"] == name

        def shown(channel=channel):
            time.sleep(0.2)  # snapshots have a limit
            level = picture(client.get("/snapshot.png").body).mean(axis=(0, 1))
            return level[channel] > 2 * np.delete(level, channel).max()

        eventually(shown)


def test_one_viewer_sees_the_original(site):
    _, client = site
    original, painted = (
        picture(read_parts(client.port, 1, path=path)[0]).astype(int).mean(axis=(0, 1))
        for path in ("/stream.mjpg?original=1", "/stream.mjpg")
    )
    assert painted[1:].max() < 60  # all in blue
    assert original[1:].min() > 60


def test_facts_about_the_styles(site):
    _, client = site
    blue, green, _red = client.get("/api/styles").json
    assert blue == {"name": "blue", "title": "Étude in Blue", "artist": "A. Painter", "year": "about 1901"}
    assert green == {"name": "green", "title": "Meadow", "artist": "", "year": ""}


def test_the_amount_of_an_effect(site):
    pipeline, client = site
    state = client.post("/api/controls", {"colors": 24}).json
    assert state["amounts"] == {"colors": {"value": 24, "minimum": 2, "maximum": 256}}
    assert pipeline.controls.values()["colors"] == 24.0


def test_controls_are_set_and_told(site):
    pipeline, client = site
    changes = {
        "style": "blue:0.5+red:0.5",
        "background": "red",
        "strength": 0.5,
        "keep_salient": 0.25,
        "switches": {"quantize": True},
    }
    state = client.post("/api/controls", changes | {"paused": True}).json
    assert state["style"] == "blue:0.5+red:0.5"
    assert state["background"] == "red"
    assert state["limits"]["strength"] == [0, 1]
    assert state["defaults"]["strength"] == 1
    assert state["numbers"]["strength"] == 0.5
    assert state["numbers"]["keep_salient"] == 0.25
    assert state["switches"] == {"quantize": True}
    assert state["paused"]
    assert pipeline.paused
    back = {
        "style": "blue",
        "strength": 1,
        "keep_salient": 0,
        "paused": False,
        "switches": {"quantize": False},
    }
    assert not client.post("/api/controls", back).json["paused"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"style": "/etc/passwd"}, "unknown style"),
        ({"style": "../x.safetensors"}, "unknown style"),
        ({"style": "x.safetensors:0.5+blue:0.5"}, "unknown style"),
        ({"style": 5}, "got `int` - at `$.style`"),
        ({"style": "b" * 1000}, "length <= 200"),
        ({"style": ""}, "length >= 1"),
        (b'{"style": "\\ud800"}', "request body is invalid"),
        ({"strength": 7}, "<= 1.0 - at `$.strength`"),
        ({"strength": "1"}, "got `str` - at `$.strength`"),
        ({"strength": 10**400}, "out of range - at `$.strength`"),
        ({"strength": True}, "got `bool` - at `$.strength`"),
        (b'{"strength": NaN}', "request body is invalid"),
        ({"nonsense": 1}, "unknown field `nonsense`"),
        ({"fade": 0}, "unknown field `fade`"),
        ({"self": 0.5}, "unknown field `self`"),
        ({"quantize": 0.5}, "unknown field `quantize`"),
        ({"strength": 1, "switches": {"strength": True}}, "no switch"),
        ({"switches": {"quantize": 1}}, "Expected `bool`"),
        ({"switches": {"self": True}}, "no switch"),
        ({"paused": "yes"}, "at `$.paused`"),
        ({"colors": 2.5}, "at `$.colors`"),
        ({"colors": 1}, "expected a whole number from 2 to 256"),
        ({"colors": 10**9}, "at `$.colors`"),
        ({"regions": 9}, "no loaded stage has this control"),
        ([1, 2], "got `array`"),
        (b"[" * 60_000, "request body is invalid"),
        (b"\xff", "request body is invalid"),
    ],
)
def test_wrong_controls_are_refused(site, body, message):
    _, client = site
    answer = client.post("/api/controls", body, Content_Type="application/json")
    assert answer.status == 400
    assert message in answer.json["error"]


def test_the_picture_in_every_style(site):
    _, client = site
    for name, channel in (("blue", 0), ("green", 1), ("red", 2)):
        answer = client.get(f"/api/styles/{name}.jpg")
        assert answer.headers["content-type"] == "image/jpeg"
        assert picture(answer.body).mean(axis=(0, 1)).argmax() == channel
    assert client.get("/api/styles/..%2Fsecret.jpg").status == 404
    assert client.get("/api/styles/none.jpg").status == 404


def test_statistics_arrive_as_events(site):
    _, client = site
    with socket.create_connection(("127.0.0.1", client.port), timeout=10) as connection:
        connection.sendall(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{client.port}\r\n\r\n".encode())
        stream = connection.makefile("rb")
        states = []
        while len(states) < 3:
            line = stream.readline()
            if line.startswith(b"data: "):
                states.append(json.loads(line[6:]))
    assert states[2]["stats"]["frames_out"] > states[0]["stats"]["frames_out"]


def test_recording_from_the_page(site, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pipeline, client = site
    name = client.post("/api/recording", {"recording": True}).json["recording"]
    assert client.post("/api/recording", {"recording": True}).json["recording"] == name
    eventually(lambda: pipeline.stats().sinks[name].written > 3)
    assert client.post("/api/recording", {"recording": False}).json["recording"] is None
    assert probe(tmp_path / name).frames > 3
    assert client.post("/api/recording", {"recording": "x.mp4"}).status == 400


def test_metrics_health_and_schema(site):
    _, client = site
    text = client.get("/metrics").body.decode()
    assert "# TYPE artrt_frames_out_total counter" in text
    assert 'artrt_stage_ms{quantile="0.95",stage="stylize"}' in text
    assert "artrt_viewers 0.0" in text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["artrt_latency_ms"].type == "gauge"
    assert {sample.labels["quantile"] for sample in families["artrt_latency_ms"].samples} == {
        "0.5",
        "0.95",
        "0.99",
    }
    for line in text.splitlines():
        assert line.startswith("#") or float(line.rsplit(" ", 1)[1]) >= 0
    assert client.get("/healthz").json == {"status": "ok"}
    schema = client.get("/openapi.json").json
    assert schema["openapi"].startswith("3.")
    for path, operations in schema["paths"].items():
        for method in operations:
            target = path.replace("{name}", "blue")
            if target in ("/api/events", "/stream.mjpg"):
                continue
            expected = {404} if "recordings" in target else {200, 400}
            assert client.request(method.upper(), target).status in expected, path


@contextlib.asynccontextmanager
async def watched_by_webrtc(client):
    """The track of a viewer by WebRTC, who stays connected."""
    aiortc = pytest.importorskip("aiortc")
    connection = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
    try:
        connection.addTransceiver("video", direction="recvonly")
        arrived = asyncio.get_running_loop().create_future()
        connection.on("track", lambda track: arrived.set_result(track))
        await connection.setLocalDescription(await connection.createOffer())
        offer = {"type": "offer", "sdp": connection.localDescription.sdp}
        answer = await asyncio.to_thread(lambda: client.post("/api/webrtc", offer).json)
        await connection.setRemoteDescription(aiortc.RTCSessionDescription(answer["sdp"], answer["type"]))
        yield await asyncio.wait_for(arrived, 10)
    finally:
        await connection.close()


def test_webrtc_answers_and_sends_pictures(site):
    async def watch() -> list[np.ndarray]:
        async with watched_by_webrtc(site[1]) as track:
            return [(await asyncio.wait_for(track.recv(), 10)).to_ndarray(format="bgr24") for _ in range(8)]

    frames = asyncio.run(watch())
    assert frames[0].shape == (180, 320, 3)
    assert np.abs(frames[0].astype(int) - frames[-1]).max() > 20


def test_viewers_by_webrtc_are_counted_and_need_no_jpegs(site, monkeypatch):
    _, client = site
    eventually(lambda: client.state()["viewers"] == 0)
    encoded = []
    monkeypatch.setattr(Jpeg, "encode", lambda jpeg: encoded.append(jpeg))

    async def watch() -> tuple[int, str]:
        async with watched_by_webrtc(client) as track:
            for _ in range(3):
                await asyncio.wait_for(track.recv(), 10)
            viewers = (await asyncio.to_thread(client.state))["viewers"]
            return viewers, (await asyncio.to_thread(client.get, "/metrics")).body.decode()

    viewers, metrics = asyncio.run(watch())
    assert viewers == 1
    assert "artrt_viewers 1.0" in metrics
    assert encoded == []
    eventually(lambda: client.state()["viewers"] == 0)


def test_webrtc_pictures_have_real_times():
    pytest.importorskip("aiortc")
    from artrt.engine.sinks.web.rtc import _track

    async def watch() -> list[int]:
        hub, times = Hub(), []
        hub.attach_loop(asyncio.get_running_loop())
        track = _track(hub)
        for _ in range(3):
            image = np.zeros((48, 64, 3), np.uint8)
            hub.put(Result(Frame(image), image))
            times.append((await asyncio.wait_for(track.recv(), 10)).pts)
            await asyncio.sleep(0.2)
        return times

    assert (np.diff(asyncio.run(watch())) >= 0.19 * 90000).all()


@pytest.mark.parametrize(
    "offer", [{}, {"type": "offer"}, {"type": "offer", "sdp": "v=9"}, {"type": "answer", "sdp": ""}]
)
def test_malformed_offers_are_refused(site, offer):
    _, client = site
    assert client.post("/api/webrtc", offer).status == 400


def test_an_address_in_use_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        sink = WebSink(f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(OutputError, match="cannot listen"):
            Pipeline("test://64x48@10", [], [sink]).start()


@pytest.mark.parametrize(
    ("address", "options", "match"),
    [
        ("http://127.0.0.1:8080/x", {}, "expected http"),
        ("https://127.0.0.1:8080", {}, "needs --ssl-cert"),
        ("http://127.0.0.1:8080", {"token": "short"}, "8 to 128"),
        ("http://127.0.0.1:8080", {"token": "with space in it"}, "8 to 128"),
        ("http://127.0.0.1:8080", {"ssl_cert": "x"}, "both"),
    ],
)
def test_addresses_and_options_that_make_no_sense(address, options, match):
    with pytest.raises(UsageError, match=match):
        WebSink(address, options=WebOptions(**options))


def test_https(tmp_path):
    import ssl
    import subprocess
    import urllib.request

    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        str(key),
        "-out",
        str(cert),
    ]
    command += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs openssl")
    with page(options=WebOptions(ssl_cert=cert, ssl_key=key)) as (sink, _, _):
        context = ssl.create_default_context(cafile=str(cert))
        address = sink.url.replace("127.0.0.1", "localhost")
        assert address.startswith("https://")
        with urllib.request.urlopen(f"{address}healthz", context=context, timeout=10) as answer:
            assert json.loads(answer.read()) == {"status": "ok"}


def test_an_unreadable_certificate_is_said(tmp_path):
    bad = tmp_path / "bad.pem"
    bad.write_text("nonsense")
    with pytest.raises(OutputError, match="certificate"), page(options=WebOptions(ssl_cert=bad, ssl_key=bad)):
        pass


def test_the_server_ends_with_the_pipeline():
    with page() as (sink, pipeline, client):
        eventually(lambda: client.state()["stats"]["frames_out"] > 0)
        started = time.monotonic()
        pipeline.stop()
    assert time.monotonic() - started < 3
    with pytest.raises(OSError, match="refused|reset"):
        Client(sink._port).get("/healthz")


def test_the_bare_picture_in_a_style_that_the_viewer_chooses(site):
    _, client = site
    client.post("/api/controls", {"style": "blue"})
    answer = client.get("/view?style=red&fit=cover")
    assert 'src="stream.mjpg?style=red"' in answer.body.decode()
    first, last = (picture(part) for part in read_parts(client.port, 2, path="/stream.mjpg?style=red"))
    assert first.shape == (180, 320, 3)
    assert first.mean(axis=(0, 1)).argmax() == last.mean(axis=(0, 1)).argmax() == 2
    assert client.state()["style"] == "blue"  # what others see is unchanged
    refused = client.get("/view?style=%22%3E%3Cscript%3E")
    assert refused.status == 400
    assert "unknown style" in refused.json["error"]
    assert client.get("/stream.mjpg?style=none").status == 400


def test_few_styles_are_painted_at_once(site):
    _, client = site
    eventually(lambda: client.state()["viewers"] == 0)
    with contextlib.ExitStack() as watching:
        for style in ("red", "green", "red"):
            watching.enter_context(watched(client.port, f"/stream.mjpg?style={style}"))
        assert client.get("/stream.mjpg?style=blue").status == 503
    eventually(lambda: client.state()["viewers"] == 0)
    assert picture(read_parts(client.port, 1, path="/stream.mjpg?style=blue")[0]).shape == (180, 320, 3)


def test_the_bare_picture_can_be_framed(site):
    _, client = site
    answer = client.get("/view?fit=cover")
    text = answer.body.decode()
    assert answer.status == 200
    assert 'src="stream.mjpg"' in text
    assert "object-fit: cover" in text
    assert answer.headers["x-frame-options"] != "DENY"
    assert "frame-ancestors" not in answer.headers["content-security-policy"]
    assert client.get("/view?fit=%22%3E%3Cscript%3E").status == 400


def test_a_picture_of_the_stream_is_complete_at_once_and_encoded_only_for_its_viewers():
    async def watch() -> tuple[bytes, list[bytes]]:
        hub = Hub()
        hub.attach_loop(asyncio.get_running_loop())
        image = np.zeros((48, 64, 3), np.uint8)
        hub.put(Result(Frame(image), image))
        unwatched = hub.newest().painted.data
        parts = mjpeg_parts(hub)
        received = [await anext(parts)]
        for _ in range(2):
            hub.put(Result(Frame(image), image))
            received.append(await asyncio.wait_for(anext(parts), 10))
        await parts.aclose()
        hub.put(Result(Frame(image), image))
        return unwatched + hub.newest().painted.data, received

    unwatched, received = asyncio.run(watch())
    assert unwatched == b""  # nobody wanted a JPEG
    assert received[0] == b"--artrt-frame\r\n"
    for part in received[1:]:  # a browser shows a picture when it has the boundary after it
        assert part.startswith(b"Content-Type: image/jpeg\r\n")
        assert part.endswith(b"\xff\xd9\r\n--artrt-frame\r\n")
