"""`artrt batch`: a tree of files through the command, interrupted and continued."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from artrt.cli.main import run
from artrt.engine.frame import read_image, write_image
from artrt.engine.jobs.manifest import NAME
from support.clips import make_clip, probe

UDNIE = 204  # the tone in which the tiny zoo paints that style


@pytest.fixture(autouse=True)
def zoo(use_tiny_zoo):
    return use_tiny_zoo


@pytest.fixture
def source(tmp_path, picture):
    write_image(tmp_path / "source" / "one.png", picture(16, 16))
    write_image(tmp_path / "source" / "sub" / "two.png", picture(16, 24))
    return tmp_path / "source"


def batch(*arguments):
    return run(["batch", *map(str, arguments), "--provider", "cpu", "--workers", "1"])


def test_pictures_and_a_video(source, tmp_path, capsys):
    make_clip(source / "sub" / "clip.mp4", frames=5)
    assert batch(source, tmp_path / "out", "--style", "udnie") == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1] == "3 done, 0 failed, 0 skipped"
    assert np.unique(read_image(tmp_path / "out" / "sub" / "two.png")).tolist() == [UDNIE]
    assert probe(tmp_path / "out" / "sub" / "clip.mp4").frames == 5


def test_json_and_a_bad_file(source, tmp_path, capsys):
    (source / "bad.png").write_text("x")
    assert batch(source, tmp_path / "out", "--json", "--size", "8") == 1
    captured = capsys.readouterr()
    facts = json.loads(captured.out)
    assert (facts["done"], facts["failed"], facts["skipped"]) == (2, 1, 0)
    assert {(entry["width"], entry["height"]) for entry in facts["files"] if not entry["error"]} == {
        (8, 8),
        (12, 8),
    }
    assert "1 of 3 inputs failed; run again to retry them" in captured.err


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--style", "udni"], 2, "unknown style 'udni'; did you mean 'udnie'?"),
        (["--quantize", "1"], 2, "colors go from 2 to 256"),
        (["--size", "big"], 2, "size 'big'"),
    ],
)
def test_wrong_options(source, tmp_path, capsys, options, code, message):
    assert batch(source, tmp_path / "out", *options) == code
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("out/**/*.png"))


def test_missing_source(tmp_path, capsys):
    assert batch(tmp_path / "missing", tmp_path / "out") == 1
    assert "no such folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("sent", "code", "said"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_interrupted_batch_is_continued(tmp_path, picture, zoo, sent, code, said):
    source, out = tmp_path / "source", tmp_path / "out"
    write_image(source / "00.png", picture(800, 1200))
    for number in range(
        1, 60
    ):  # seconds of work, so that the first file is seen long before the last is done
        shutil.copyfile(source / "00.png", source / f"{number:02d}.png")
    command = [
        sys.executable,
        "-m",
        "artrt.cli.main",
        "batch",
        source,
        out,
        "--provider",
        "cpu",
        "--workers",
        "2",
    ]
    environment = os.environ | {"ARTRT_ZOO": str(zoo)}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        deadline = time.monotonic() + 60
        while not (out / NAME).exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(sent)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert errors.splitlines()[-1] == f"artrt: error: {said}"
    assert "Traceback" not in errors
    assert not [path for path in out.iterdir() if "partial" in path.name]
    done = len((out / NAME).read_text().splitlines())
    assert 0 < done < 60
    finished = subprocess.run(
        [*command, "--json"], capture_output=True, text=True, timeout=120, check=True, env=environment
    )
    facts = json.loads(finished.stdout)
    assert (facts["done"], facts["skipped"]) == (60 - done, done)
    assert all(read_image(out / f"{number:02d}.png").shape == (800, 1200, 3) for number in range(60))
