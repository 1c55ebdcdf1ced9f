"""Painting where a home folder is missing and few files may be open."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest

PAINT = """
import numpy as np, artrt
with artrt.Stylizer("udnie", provider="cpu", threads=1) as stylizer:
    print(stylizer(np.full((32, 32, 3), 80, np.uint8)).shape)
"""


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
