"""A batch on a local Ray cluster of two workers, one of which is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from artrt.cli._report import with_origin
from artrt.cli.main import run
from artrt.engine.frame import read_image, write_image
from artrt.engine.jobs.manifest import NAME

FILES = 24


def test_without_ray_the_extra_is_named(tmp_path, picture, use_tiny_zoo, monkeypatch, capsys):
    del use_tiny_zoo
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    write_image(tmp_path / "in" / "a.png", picture(8, 8))
    assert run(["batch", str(tmp_path / "in"), str(tmp_path / "out"), "--ray", "--provider", "cpu"]) == 1
    expected = with_origin("artrt batch --ray needs ray: pip install 'artrt[batch]'")
    assert expected in capsys.readouterr().err


def test_two_workers_survive_the_kill_of_one(tmp_path, picture, tiny_zoo):
    pytest.importorskip("ray", reason="needs Ray (pip install 'artrt[batch]')")
    source, out = tmp_path / "in", tmp_path / "out"
    for number in range(FILES):
        write_image(source / f"{number:02d}.png", picture(600, 900, seed=number))
    command = [sys.executable, "-m", "artrt.cli.main", "batch", source, out, "--ray", "--workers", "2"]
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    environment |= {"ARTRT_ZOO": str(tiny_zoo), "RAY_TMPDIR": "/tmp", "RAY_USAGE_STATS_ENABLED": "0"}
    with subprocess.Popen(
        [*command, "--provider", "cpu", "--threads", "1", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        killed = first_worker(out / NAME, process)
        os.kill(killed, signal.SIGKILL)
        output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    facts = json.loads(output)
    assert (facts["done"], facts["failed"]) == (FILES, 0)
    workers = [entry["worker"] for entry in facts["files"]]
    assert killed in workers
    assert len(set(workers)) > 1  # the other one, or the one that took the dead one's place
    assert all(read_image(out / f"{number:02d}.png").shape == (600, 900, 3) for number in range(FILES))


def first_worker(manifest, process) -> int:
    """Process id of the worker that did the first file."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        if manifest.exists() and (lines := manifest.read_text().splitlines()):
            return int(json.loads(lines[0])["worker"])
        time.sleep(0.01)
    raise AssertionError(
        f"no file was done: {process.communicate()[1] if process.poll() is not None else 'time is up'}"
    )
