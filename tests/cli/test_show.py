"""`artrt paint --show`: the picture appears in a terminal that can show it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

import pytest

from artrt.engine.frame import write_image

#: What a terminal with sixels answers: its attributes, and the size of a cell.
SIXEL_TERMINAL = {b"\x1b[c": b"\x1b[?62;4c", b"\x1b[16t": b"\x1b[6;20;10t"}


def shown(command: list[str], answers: dict[bytes, bytes], *, seconds: float = 120) -> tuple[int, bytes]:
    """Runs a command in a terminal of these answers; returns its exit code and all that it printed."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": "80"}
    process = subprocess.Popen(command, stdin=inside, stdout=inside, stderr=inside, env=environment)
    os.close(inside)
    printed, deadline = b"", time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.1)[0]:
            if process.poll() is not None:
                break
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:  # the other side is closed
            break
        printed += data
        for question, answer in answers.items():
            if question in data:
                os.write(terminal, answer)
    os.close(terminal)
    return process.wait(10), printed


@pytest.fixture
def command(tmp_path, picture) -> list[str]:
    write_image(tmp_path / "photo.png", picture(72, 96, seed=1))
    paths = [str(tmp_path / "photo.png"), str(tmp_path / "photo.png"), "-o", str(tmp_path / "out.png")]
    options = ["--size", "64", "--steps", "3", "--loss-network", "small", "--region", "0", "--show"]
    return [sys.executable, "-m", "artrt", "paint", *paths, *options]


def test_a_terminal_with_sixels_shows_the_picture(command, tmp_path):
    code, printed = shown(command, SIXEL_TERMINAL)
    assert code == 0, printed[-500:]
    assert (tmp_path / "out.png").is_file()
    assert re.search(rb"\x1bP[\d;]*q", printed)  # the beginning of a sixel picture


def test_any_other_terminal_shows_it_in_coloured_half_blocks(command):
    code, printed = shown(command, {})
    assert code == 0, printed[-500:]
    assert "▄".encode() in printed or "▀".encode() in printed
    assert not re.search(rb"\x1bP[\d;]*q", printed)


def test_without_a_terminal_it_is_refused_before_the_work(command, tmp_path):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "--show needs a terminal" in done.stderr
    assert not (tmp_path / "out.png").exists()


def test_without_textual_image_the_extra_is_named(command, tmp_path):
    (tmp_path / "textual_image.py").write_text("raise ImportError('no textual_image here')\n")
    hidden = ["-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import runpy; "
              "runpy.run_module('artrt', run_name='__main__', alter_sys=True)"]  # fmt: skip
    code, printed = shown([command[0], *hidden, *command[3:]], {})
    assert code == 1
    assert re.search(rb"--show needs textual-image: pip install .*\[terminal\]", printed)
