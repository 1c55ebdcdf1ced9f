"""`artrt serve`: a still and a clip stay on the page until the command is ended."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from artrt.cli.main import run
from artrt.engine.frame import write_image
from support.clips import make_clip
from support.page import Client

TOKEN = "a-long-enough-secret"


@pytest.mark.parametrize("options", [[], ["--loop"]])
def test_a_photograph_stays_and_is_painted_once(tiny_zoo, tmp_path, picture, options):
    write_image(tmp_path / "photo.png", picture(48, 64))
    with served(tmp_path / "photo.png", tiny_zoo, options) as client:
        assert client.get("/snapshot.png").status == 200
        time.sleep(1.5)
        assert painted(client) == 1
        assert client.post("/api/controls", {"style": "the-scream"}).status == 200
        eventually(lambda: painted(client) > 1)
        assert client.state()["style"] == "the-scream"


def test_the_last_picture_of_a_clip_stays(tiny_zoo, tmp_path):
    with served(make_clip(tmp_path / "a.mp4", frames=10), tiny_zoo, []) as client:
        eventually(lambda: painted(client) == 10)
        time.sleep(0.5)
        assert painted(client) == 10
        assert client.get("/snapshot.png").status == 200


def test_a_still_follows_osc(tiny_zoo, tmp_path, picture):
    write_image(tmp_path / "photo.png", picture(48, 64))
    with served(tmp_path / "photo.png", tiny_zoo, ["--osc", "0"]) as client:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as program:
            program.sendto(b"/artrt/style\0\0\0\0,s\0\0the-scream\0\0", ("127.0.0.1", client.osc))
        eventually(lambda: client.state()["style"] == "the-scream")
        eventually(lambda: painted(client) > 1)


def test_the_studio_has_no_one_picture_to_steer(capsys):
    assert run(["serve", "--osc", "0"]) == 2
    assert "give a SOURCE" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["studio", "serve"])
def test_the_studio_opens(tiny_zoo, command):
    with started([command, "--port", "0", "--provider", "cpu"], tiny_zoo) as lines:
        address = next(match for line in lines if (match := re.search(r"studio is at .*:(\d+)", line)))
        answer = Client(int(address[1])).get("/")
        assert answer.status == 200
        assert b"artrt studio" in answer.body


@pytest.mark.parametrize("command", [["serve", "test://64x48@10"], ["serve"], ["studio"]])
def test_a_proxy_may_use_its_own_host_name(tiny_zoo, command):
    words = [*command, "--port", "0", "--provider", "cpu", "--token", TOKEN]
    allowed = ["--allow-host", "studio.example", "--allow-host", "Second.example"]
    with started([*words, *allowed], tiny_zoo) as lines:
        address = next(match for line in lines if (match := re.search(r"127.0.0.1:(\d+)", line)))
        client = Client(int(address[1]), token=TOKEN)
        for name in ("studio.example", "second.example", f"127.0.0.1:{client.port}"):
            assert client.get("/", Host=name).status == 200, name
        answer = client.get("/", Host="other.example")
        assert answer.status == 421
        assert "--allow-host NAME" in answer.body.decode()


def painted(client):
    return client.state()["stats"]["frames_out"]


@contextmanager
def started(words, zoo):
    """The lines of a running command, which must end well when it is told to."""
    with subprocess.Popen(
        [sys.executable, "-m", "artrt.cli.main", *words],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"ARTRT_ZOO": str(zoo)},
    ) as process:
        try:
            yield iter(process.stderr.readline, "")
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()


@contextmanager
def served(source, zoo, options):
    """A client of a running `artrt serve` that has painted something."""
    words = ["serve", str(source), "--port", "0", "--style", "udnie", "--provider", "cpu", *options]
    with started(words, zoo) as lines:
        address = next(match for line in lines if (match := re.search(r"127.0.0.1:(\d+)", line)))
        client = Client(int(address[1]))
        if "--osc" in options:
            client.osc = next(int(match[1]) for line in lines if (match := re.search(r"port (\d+)", line)))
        eventually(lambda: painted(client) > 0)
        yield client


def eventually(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)
