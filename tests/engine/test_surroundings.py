"""Painting where a home folder is missing, few files may be open, or shared memory cannot be used."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys

import pytest

from artrt.engine.frame import write_image

PAINT = """
import numpy as np, artrt
with artrt.Stylizer("udnie", provider="cpu", threads=1) as stylizer:
    print(stylizer(np.full((32, 32, 3), 80, np.uint8)).shape)
"""


# Hides /dev/shm behind an empty folder that cannot be written, then starts the given program there.
NO_SHARED_MEMORY = 'mount -t tmpfs -o ro,size=4k none /dev/shm && ! touch /dev/shm/x 2>/dev/null && exec "$@"'


def few_files():
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def nothing():
    """Leaves the limits as they are."""


@pytest.mark.parametrize(
    ("home", "limit"),
    [(None, nothing), ("/nowhere", nothing), ("/nowhere", few_files)],
    ids=["none", "gone", "files"],
)
def test_it_paints(use_tiny_zoo, tmp_path, home, limit):
    environment = {key: value for key, value in os.environ.items() if key != "HOME" and "XDG" not in key}
    environment |= {} if home is None else {"HOME": home}
    done = subprocess.run(
        [sys.executable, "-c", PAINT],
        cwd=tmp_path,
        env=environment,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "(32, 32, 3)\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def without_shared_memory():
    """Words that start a program where /dev/shm cannot be written."""
    words = [shutil.which("unshare") or "", "-rm", "sh", "-c", NO_SHARED_MEMORY, "sh"]
    if not words[0] or subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs unshare -rm: a mount namespace of the user's own")
    return words


@pytest.mark.parametrize("command", ["stylize", "batch"])
def test_it_paints_without_shared_memory(use_tiny_zoo, tmp_path, picture, without_shared_memory, command):
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        write_image(tmp_path / "in" / name, picture(32, 32))
    words = {"stylize": [command, "in", "-o", "out"], "batch": [command, "in", "out", "--workers", "2"]}[
        command
    ]
    done = subprocess.run(
        [
            *without_shared_memory,
            sys.executable,
            "-m",
            "artrt",
            *words,
            "--style",
            "udnie",
            "--provider",
            "cpu",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"a.png", "b.png"}
    assert "Traceback" not in done.stderr
