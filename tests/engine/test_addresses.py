"""Logins, tokens and stream keys are shown nowhere."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artrt.engine.addresses import redacted
from artrt.engine.errors import ArtrtError, InputError, MissingExtraError
from artrt.engine.sinks.push import PushSink
from artrt.engine.sources.base import SourceInfo

SECRET = "S3cret"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://user:S3cret@camera/1", "rtsp://camera/1"),
        ("http://admin:S3cret@127.0.0.1:81/clip.mp4", "http://127.0.0.1:81/clip.mp4"),
        ("rtsp://u:S3@cret/S3cret@host/x", "rtsp://host/x"),
        ("http://host/video?token=S3cret&fps=5", "http://host/video?token=***&fps=5"),
        ("https://host/a?x=1&api_key=S3cret#top", "https://host/a?x=1&api_key=***#top"),
        ("rtmp://live.example.org/app/S3cret", "rtmp://live.example.org/app/***"),
        ("rtmps://live.example.org/app/S3cret?bw=1", "rtmps://live.example.org/app/***"),
        ("[Errno 1] not permitted: 'http://a:S3cret@h/c.mp4'", "[Errno 1] not permitted: 'http://h/c.mp4'"),
        ("two: rtsp://a:S3cret@h/1 and rtsp://b:S3cret@h/2", "two: rtsp://h/1 and rtsp://h/2"),
    ],
)
def test_secrets_go(address, shown):
    assert redacted(address) == shown
    assert SECRET not in redacted(address)


@pytest.mark.parametrize(
    "text",
    [
        "test://640x360@30",
        "rtsp://camera/1",
        "a@b.org",
        "photo@2x.jpg",
        "http://host/keys?monkey=1",
        "C:/x",
        "",
    ],
)
def test_everything_else_stays(text):
    assert redacted(text) == text


@given(
    st.text(st.characters(codec="ascii", exclude_characters=" '\"\n\t\r\x0b\x0c\x1c\x1d\x1e\x1f"), min_size=4)
)
def test_no_password_of_any_signs_gets_through(password):
    assert redacted(f"rtsp://user:{password}@host/1") == "rtsp://host/1"


def test_errors_names_and_sinks_use_it():
    address = "http://admin:S3cret@h/clip.mp4"
    for error in (
        ArtrtError(f"{address}: gone"),
        InputError(address),
        MissingExtraError(address, package="x"),
    ):
        assert SECRET not in str(error)
    assert SourceInfo(address, True).name == "http://h/clip.mp4"
    assert PushSink("rtmp://host/app/S3cret").name == "rtmp://host/app/***"


@pytest.mark.parametrize("command", ["stylize", "live"])
def test_the_command_line_prints_none(command, tmp_path):
    # nothing listens on port 9 of this machine
    address = "http://admin:S3cret@127.0.0.1:9/clip.mp4?token=S3cret"
    more = ["-o", str(tmp_path / "out.mp4")] if command == "stylize" else ["--headless", "--stats", "json"]
    words = [sys.executable, "-c", "import sys; from artrt.cli.main import main; sys.exit(main())", command]
    done = subprocess.run([*words, address, *more], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("artrt: ")
    assert SECRET not in done.stdout + done.stderr
    assert SECRET not in json.dumps([path.name for path in tmp_path.iterdir()])
