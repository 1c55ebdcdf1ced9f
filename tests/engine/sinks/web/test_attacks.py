"""Attacks with real connections: the page goes on painting for those who were there, and takes newcomers."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import logging
import os
import resource
import socket
import threading
import time

import pytest

from artrt.engine.sinks import WebOptions
from artrt.engine.sinks.web import connections
from support.page import page

NEWCOMER = "127.0.0.2"


OPENED: list[socket.socket] = []


@pytest.fixture(autouse=True)
def _hanging_up():
    yield
    while OPENED:
        OPENED.pop().close()


@pytest.fixture
def impatient(monkeypatch):
    """Deadlines of a second, so that the tests are quick."""
    monkeypatch.setattr("artrt.engine.sinks.web.connections.HEADER_SECONDS", 1.0)
    monkeypatch.setattr("artrt.engine.sinks.web.connections.STALL_SECONDS", 1.0)
    monkeypatch.setattr("artrt.engine.sinks.web.bodies.BODY_SECONDS", 1.0)


def eventually(condition, *, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def connect(port: int, data: bytes = b"", *, source: str = "127.0.0.1") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0))
    OPENED.append(connection)
    connection.sendall(data)
    return connection


def request_head(port: int, line: str, *headers: str) -> bytes:
    return "\r\n".join([f"{line} HTTP/1.1", f"Host: 127.0.0.1:{port}", *headers, ""]).encode()


def is_closed(connection: socket.socket) -> bool:
    connection.settimeout(0)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


class Viewer(threading.Thread):
    """Somebody who was there before: counts the pictures that arrive."""

    def __init__(self, port: int, *, source: str = "127.0.0.1"):
        super().__init__(daemon=True)
        head = request_head(port, "GET /stream.mjpg") + b"\r\n"
        self.connection = connect(port, head, source=source)
        self.pictures = 0
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while data := self.connection.recv(65536):
                self.pictures += data.count(b"Content-Type: image/jpeg")

    def still_sees(self) -> bool:
        before = self.pictures
        with contextlib.suppress(AssertionError):
            eventually(lambda: self.pictures > before + 3, seconds=10)
        return self.pictures > before + 3


@contextlib.contextmanager
def watched(**options):
    """A page with a viewer."""
    with page(**options) as (_, pipeline, client):
        viewer = Viewer(client.port)
        eventually(lambda: viewer.pictures > 2)
        yield pipeline, client, viewer
        viewer.connection.close()


def test_half_headers_lock_nobody_out(impatient):
    with watched() as (_, client, viewer):
        half = [connect(client.port, b"GET / HTTP/1.1\r\nHost: 127") for _ in range(200)]
        assert client.get("/healthz").status == 200
        assert client.get("/api/state").status == 200
        assert viewer.still_sees()
        eventually(lambda: all(map(is_closed, half)))
        assert viewer.still_sees()


def test_a_header_that_comes_byte_by_byte_is_not_waited_for(impatient):
    with page() as (_, _, client):
        slow = connect(client.port)
        with pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe
            for byte in request_head(client.port, "GET /api/state") * 3:
                slow.sendall(bytes([byte]))
                time.sleep(0.05)


def test_idle_connections_of_many_addresses_are_bounded():
    with watched() as (_, client, viewer):
        idle = [connect(client.port, source=f"127.0.1.{1 + k % 12}") for k in range(12 * 40)]
        eventually(lambda: sum(map(is_closed, idle)) >= len(idle) - connections.WAITING)
        assert client.get("/api/state").status == 200
        assert viewer.still_sees()
        for connection in idle:
            connection.close()


def test_half_bodies_are_closed(impatient):
    with watched() as (_, client, viewer):
        head = request_head(
            client.port, "POST /api/controls", "Content-Type: application/json", "Content-Length: 100"
        )
        half = [connect(client.port, head + b"\r\n{") for _ in range(60)]
        assert client.get("/healthz").status == 200
        assert connect(client.port, head + b"\r\n", source=NEWCOMER)
        eventually(lambda: all(map(is_closed, half)))
        assert viewer.still_sees()
        assert client.post("/api/controls", {"strength": 1.0}).status == 200


def test_a_slow_body_gets_a_408(impatient):
    with page() as (_, _, client):
        head = request_head(
            client.port, "POST /api/controls", "Content-Type: application/json", "Content-Length: 9"
        )
        slow = connect(client.port, head + b"\r\n{")
        answer = http.client.HTTPResponse(slow)
        answer.begin()
        assert answer.status == 408


@pytest.mark.parametrize("path", ["/api/controls", "/healthz", "/api/state", "/stream.mjpg"])
def test_endless_chunks_end_at_the_limit(path):
    with watched() as (_, client, viewer):
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        head = request_head(
            client.port, f"POST {path}", "Content-Type: application/json", "Transfer-Encoding: chunked"
        )
        endless = connect(client.port, head + b"\r\n")
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 64 << 20:
                sent += endless.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        assert sent < 8 << 20
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 30_000
        assert viewer.still_sees()


def test_chunks_that_are_too_much_get_a_413():
    with page() as (_, _, client):
        head = request_head(
            client.port, "POST /api/controls", "Content-Type: application/json", "Transfer-Encoding: chunked"
        )
        large = connect(client.port, head + b"\r\n" + (b"1000\r\n" + b"x" * 4096 + b"\r\n") * 17)
        answer = http.client.HTTPResponse(large)
        answer.begin()
        assert answer.status == 413


def test_answers_that_nobody_reads_are_dropped(impatient, monkeypatch):
    monkeypatch.setattr("artrt.engine.sinks.web.app.SNAPSHOT_BURST", 100.0)
    with watched(source="test://1280x720@10") as (_, client, viewer):
        open_before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        head = request_head(client.port, "GET /snapshot.png") + b"\r\n"
        deaf = [connect(client.port) for _ in range(10)]
        for connection in deaf:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(head * 30)
        assert client.get("/healthz").status == 200
        # Each had one end here and one in the server; the server's are gone.
        eventually(lambda: len(os.listdir("/proc/self/fd")) <= open_before + 10)  # noqa: PTH208
        assert viewer.still_sees()


@pytest.mark.parametrize("path", ["/stream.mjpg", "/api/events"])
def test_one_client_cannot_take_all_streams(path):
    with page(options=WebOptions(max_clients=8)) as (_, _, client):
        head = request_head(client.port, f"GET {path}") + b"\r\n"

        def status(source: str) -> int:
            connection = connect(client.port, head, source=source)
            held.append(connection)
            return int(connection.recv(12).split()[1])

        held: list[socket.socket] = []
        assert [status("127.0.0.1") for _ in range(8)].count(200) == 4
        assert status(NEWCOMER) == 200
        for k in range(3, 6):
            assert status(f"127.0.0.{k}") == 200
        assert status("127.0.0.99") == 503
        assert client.get("/healthz").status == 200
        for connection in held:
            connection.close()


def test_what_is_not_json_is_not_an_error_of_the_server():
    bodies = [
        b'{"self":1}',
        b'{"style":"\\ud800"}',
        b'{"quantize":0.5}',
        b'{"strength":1,"switches":{"strength":true}}',
        b"[" * 60_000,
        b'{"strength":1e999}',
        b'{"switches":{"__class__":true}}',
    ]
    with watched() as (_, client, viewer):
        for path in ("/api/controls", "/api/recording", "/api/webrtc"):
            for body in bodies:
                assert client.post(path, body, Content_Type="application/json").status == 400, (path, body)
        assert viewer.still_sees()


def test_what_nobody_foresaw_is_logged(caplog, monkeypatch):
    with page() as (_, pipeline, client):
        monkeypatch.setattr(pipeline.controls, "change", lambda *_, **__: 1 / 0)
        with caplog.at_level(logging.ERROR, logger="artrt.web"):
            answer = client.post("/api/controls", {"strength": 0.5})
    assert answer.status == 500
    assert "its log has the details" in answer.json["error"]
    assert "POST /api/controls failed: ZeroDivisionError" in caplog.text


def offer_without_a_network() -> dict[str, str]:
    aiortc = pytest.importorskip("aiortc")

    async def offer() -> str:
        connection = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        connection.addTransceiver("video", direction="recvonly")
        await connection.setLocalDescription(await connection.createOffer())
        sdp = connection.localDescription.sdp
        await connection.close()
        return sdp

    lines = asyncio.run(offer()).splitlines(keepends=True)
    return {"type": "offer", "sdp": "".join(line for line in lines if "candidate" not in line)}


def test_offers_that_never_connect_give_their_places_back(monkeypatch):
    monkeypatch.setattr("artrt.engine.sinks.web.rtc.CONNECT_SECONDS", 1.0)
    offer = offer_without_a_network()
    with watched() as (_, client, viewer):
        answers = [client.post("/api/webrtc", offer).status for _ in range(6)]
        assert 400 in answers, "one address does not get all places"
        eventually(lambda: client.post("/api/webrtc", offer).status == 200)
        assert viewer.still_sees()


def test_half_a_tls_handshake_is_not_waited_for(tmp_path, monkeypatch):
    import subprocess

    monkeypatch.setattr("artrt.engine.sinks.web.sink.HANDSHAKE_SECONDS", 1.0)
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
    ]
    if subprocess.run([*command, "-keyout", key, "-out", cert], capture_output=True, check=False).returncode:
        pytest.skip("needs openssl")
    with page(options=WebOptions(ssl_cert=cert, ssl_key=key)) as (_, pipeline, client):
        half = [connect(client.port, b"\x16\x03\x01") for _ in range(50)]
        eventually(lambda: all(map(is_closed, half)))
        before = pipeline.stats().frames_out
        eventually(lambda: pipeline.stats().frames_out > before)
