"""What visitors send is taken for what it is, or refused in one line; nothing is left behind."""

from __future__ import annotations

import io
import os
import random
import socket
import struct
import time
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from artrt.engine.studio import uploads
from support.clips import make_clip
from support.studio import SMALL, decoded, picture_file, studio, visitor


def files_of(server) -> list[Path]:
    """Everything in the private folder."""
    return [path for path in Path(server.folder).rglob("*") if path.is_file()]


def png_of(width: int, height: int) -> bytes:
    """A PNG that says this size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{secret}\n#EXT-X-ENDLIST\n"
WRONG_PHOTOS = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    "html": b"<!doctype html><script>alert(1)</script>" + bytes(50),
    "bomb": png_of(60_000, 60_000),
    "large": png_of(3_000, 3_000),
    "cut": picture_file(100, 100)[:60],
    "short": b"\xff\xd8\xff",
    "gif": b"GIF89a" + bytes(100),
    "heic": b"\0\0\0\x18ftypheic" + bytes(100),
    "pdf": b"%PDF-1.7 " + bytes(100),
    "empty": b"",
}


@pytest.mark.parametrize("name", WRONG_PHOTOS)
def test_wrong_photographs_are_refused(running, client, name):
    before = files_of(running)
    answer = client.upload("/api/photos", WRONG_PHOTOS[name], name="a.png")
    assert answer.status == 400
    assert "\n" not in answer.json["error"]
    assert running.folder not in answer.json["error"]
    assert files_of(running) == before


def wrong_videos(tmp_path: Path) -> dict[str, bytes]:
    secret = tmp_path / "secret.mp4"
    make_clip(secret, frames=3)
    concat = f"ffconcat version 1.0\nfile '{secret}'\n"
    sdp = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    return {
        "m3u8": PLAYLIST.format(secret=secret).encode(),
        "ffconcat": concat.encode(),
        "sdp": sdp.encode(),
        "m3u8 as mp4": b"\0\0\0\x18ftypisom" + PLAYLIST.format(secret=secret).encode(),
        "ffconcat as mkv": b"\x1aE\xdf\xa3" + concat.encode(),
        "cut": secret.read_bytes()[:400],
        "too long": make_clip(tmp_path / "long.mp4", frames=300, rate=30).read_bytes(),
        "too many frames": make_clip(tmp_path / "many.mp4", frames=260, rate=120).read_bytes(),
        "sound alone": b"RIFF" + bytes(4) + b"AVI " + bytes(100),
    }


def test_wrong_videos_are_refused(running, client, tmp_path):
    before = files_of(running)
    for name, data in wrong_videos(tmp_path).items():
        answer = client.upload("/api/videos", data, name="a.mp4")
        assert answer.status == 400, name
        assert "\n" not in answer.json["error"]
        assert str(tmp_path) not in answer.json["error"]
    assert files_of(running) == before


def pointers(place: str, pipe: Path) -> dict[str, bytes]:
    """Files that mean another file, by every way in which one may be asked for."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{place}"/><image href="file://{pipe}"/></svg>'
    )
    concat = f"ffconcat version 1.0\nfile '{pipe}'\nfile '{place}'\n"
    mvg = f"push graphic-context\nimage over 0,0 0,0 '{place}'\npop graphic-context\n"
    m3u8 = PLAYLIST.format(secret=pipe) + f"#EXTINF:1,\n{place}\n"
    texts = {
        "svg": svg,
        "html": f'<img src="{place}">',
        "m3u8": m3u8,
        "ffconcat": concat,
        "sdp": f"v=0\na=control:{place}\n",
        "mvg": mvg,
        "xml": f'<!DOCTYPE x [<!ENTITY y SYSTEM "{place}">]><MPD><BaseURL>{place}</BaseURL></MPD>',
    }
    return {name: text.encode() + bytes(16) for name, text in texts.items()}


HEADS = {"bare": b"", "jpeg": b"\xff\xd8\xff\xe0", "png": b"\x89PNG\r\n\x1a\n", "mp4": b"\0\0\0\x18ftypisom"}


@pytest.mark.parametrize("head", HEADS)
def test_nothing_is_read_that_was_not_uploaded(running, client, tmp_path, head):
    before, pipe = files_of(running), tmp_path / "secret.mp4"
    os.mkfifo(pipe)
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        place = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/a.png"
        for name, data in pointers(place, pipe).items():
            for path in ("/api/photos", "/api/videos", "/api/styles/painting", "/api/styles/file"):
                answer = client.upload(path, HEADS[head] + data, name=f"a.{name}")
                assert answer.status == 400, (path, name)
                assert "\n" not in answer.json["error"]
        with pytest.raises(BlockingIOError):
            elsewhere.accept()  # nobody asked for it
    with pytest.raises(OSError, match="No such device"):  # nobody has it open
        os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    assert files_of(running) == before


def test_a_zip_in_a_picture_does_not_come_out(client):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("secret.txt", "hidden")
    photo = client.upload("/api/photos", picture_file(30, 30) + archive.getvalue()).json
    job = client.post("/api/exports", {"photos": [photo["id"]], "look": {}, "format": "png"}).json
    client.job_done(job["id"])
    data = client.get(f"/api/jobs/{job['id']}/file").body
    assert decoded(data).shape == (30, 30, 3)
    assert not zipfile.is_zipfile(io.BytesIO(data))


def test_what_is_too_large_is_refused(client):
    assert client.upload("/api/photos", bytes(SMALL.photo_bytes + 1)).status == 413
    assert client.post("/api/exports", {"photos": ["x" * 70_000]}).status == 413


def test_names_of_files_are_never_used(running, client):
    name = "..%2F..%2Fetc%2Fpasswd%0a.png"
    photo = client.upload("/api/photos", picture_file(20, 20), name=name).json
    assert "/" not in photo["title"]
    assert photo["title"].isprintable()
    assert not any("passwd" in path.name for path in files_of(running))


def test_a_body_that_breaks_off_leaves_nothing(running, client):
    before = files_of(running)
    head = f"POST /api/photos HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\nCookie: {client.cookie}\r\n"
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(f"{head}Content-Length: 5000\r\n\r\n".encode() + picture_file(20, 20)[:50])
        deadline = time.monotonic() + 10
        while files_of(running) == before:
            assert time.monotonic() < deadline
    while files_of(running) != before:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    "limits", [{"SILENCE_SECONDS": 0.2}, {"GRACE_SECONDS": 0.0, "LEAST_BYTES_PER_SECOND": 10**9}]
)
def test_a_body_that_comes_too_slowly_is_refused(running, client, monkeypatch, limits):
    for name, value in limits.items():
        monkeypatch.setattr(uploads, name, value)
    before, data = files_of(running), picture_file(20, 20)
    head = f"POST /api/photos HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\nCookie: {client.cookie}\r\n"
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(f"{head}Content-Length: 9000\r\n\r\n".encode() + data[:30])
        time.sleep(0.1)
        connection.sendall(data[30:60])
        answer = b""
        while b"the upload is too slow" not in answer and (part := connection.recv(4096)):
            answer += part
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(b'{"error":"the upload is too slow"}')
    assert files_of(running) == before


def test_without_a_cookie_nothing_is_taken(running):
    from support.page import Client

    stranger = Client(running.port)
    assert stranger.request("POST", "/api/photos", picture_file(20, 20)).status == 403
    assert stranger.get("/api/jobs").status == 403


def test_other_sites_are_refused(client):
    answer = client.request("POST", "/api/photos", picture_file(20, 20), Origin="http://evil.example")
    assert answer.status == 403


def test_one_visitor_cannot_fill_the_disk(tiny_zoo, tmp_path):
    limits = replace(SMALL, visitor_bytes=40_000, disk_bytes=100_000, visitor_jobs=1)
    photo = picture_file(60, 60, suffix=".bmp")  # 11 kB
    with studio(tiny_zoo, limits=limits, folder=tmp_path) as server:
        first = visitor(server)
        codes = [first.upload("/api/photos", photo).status for _ in range(5)]
        assert codes == [201, 201, 201, 507, 507]
        visitor(server).upload("/api/photos", photo)
        third = visitor(server)
        assert third.upload("/api/photos", photo).status == 507  # one address has no more than half
        assert sum(path.stat().st_size for path in files_of(server)) <= limits.disk_bytes // 2
        folder = Path(server.folder)
    assert not folder.exists()


def test_a_thousand_malformed_requests(running, client):
    before = files_of(running)
    random_ = random.Random(0)
    paths = [
        "/api/photos",
        "/api/videos",
        "/api/exports",
        "/api/styles",
        "/api/jobs/x/file",
        "/page/../app.py",
    ]
    kinds = [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"\0\0\0\x18ftypisom", b"{", b'{"photos":', b"II*\0"]
    for number in range(1000):
        path, body = random_.choice(paths), random_.choice(kinds) + random_.randbytes(random_.randrange(60))
        method = random_.choice(["POST", "GET", "DELETE", "PUT", "\0"])
        length = random_.choice([len(body), len(body), len(body) + 9, -1, 10**12])
        kind = random_.choice(["application/json", "text/plain"])
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{running.port}\r\nCookie: {client.cookie}\r\n"
        head += f"Content-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
            connection.sendall(head.encode() + body)
            connection.shutdown(socket.SHUT_WR)
            if number % 100 == 0:
                assert b" 50" not in connection.recv(64).split(b"\r\n")[0]
    deadline = time.monotonic() + 20
    while files_of(running) != before:
        assert time.monotonic() < deadline, files_of(running)
        time.sleep(0.1)
    assert client.upload("/api/photos", picture_file(20, 20)).status == 201
