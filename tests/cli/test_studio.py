"""`artrt studio`: what it says and opens; the page itself is tested in tests/engine/studio."""

from __future__ import annotations

import signal

import pytest

from artrt.cli import studio
from artrt.cli.main import run
from artrt.cli.signals import Terminated


class FakeServer:
    """A studio that ends as soon as it runs."""

    url = "http://127.0.0.1:8123/"

    def __init__(self, host, port, *, options, web):
        self.host, self.port, self.options = host, port, options

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def check(self):
        raise Terminated(signal.SIGTERM)


@pytest.fixture
def opened(monkeypatch):
    """The addresses that a browser was asked to open."""
    addresses = []
    monkeypatch.setattr(studio, "StudioServer", FakeServer)
    monkeypatch.setattr(studio, "CHECK_SECONDS", 0.0)
    monkeypatch.setattr(studio.webbrowser, "open", addresses.append)
    return addresses


@pytest.mark.parametrize(("arguments", "expected"), [([], []), (["--open"], [FakeServer.url])])
def test_the_browser_opens_on_request(opened, capsys, arguments, expected):
    assert run(["studio", "--port", "8123", *arguments]) == 0
    assert opened == expected
    assert "the studio is at http://127.0.0.1:8123/" in capsys.readouterr().err
