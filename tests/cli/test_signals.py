"""Signals end a command as Ctrl-C does, at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest

from artrt.cli.main import run
from support.clips import probe
from support.random_signals import GOOD, LONGEST_SECONDS, PACKAGE, began_in, one_run, write_sources

PROGRAM = """
import signal, sys
from artrt.cli.signals import raise_on_signals
number, ignored = (int(word) for word in sys.argv[1:])
signal.signal(signal.SIGINT, signal.default_int_handler)
if ignored:
    signal.signal(ignored, signal.SIG_IGN)
raise_on_signals()
try:
    signal.raise_signal(number)
    print("nothing")
except KeyboardInterrupt as error:
    print(type(error).__name__, getattr(error, "exit_code", None), error)
for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # shells and `timeout` send some twice
    signal.raise_signal(again)
print("end")
"""


@pytest.fixture(autouse=True)
def hang_up_is_heard():
    """Under `nohup` the processes of a test would inherit that SIGHUP is ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("number", "ignored", "said"),
    [
        (signal.SIGINT, 0, "KeyboardInterrupt None "),
        (signal.SIGTERM, 0, "Terminated 143 terminated"),
        (signal.SIGHUP, 0, "Terminated 129 the terminal was closed"),
    ],
)
def test_a_signal_is_an_exception_once(number, ignored, said):
    words = [sys.executable, "-c", PROGRAM, str(int(number)), str(ignored)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [said, "end"]


def test_signals_that_are_ignored_stay_so():
    program = PROGRAM.partition("for again")[0]
    words = [sys.executable, "-c", program, str(int(signal.SIGHUP)), str(int(signal.SIGHUP))]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "nothing\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_recording_is_whole_after_a_signal(tiny_zoo, tmp_path, number):
    path = tmp_path / "a.mp4"
    words = ["live", "test://320x180@30", "--headless", "-o", str(path), "--provider", "cpu"]
    with started(words, tiny_zoo) as process:
        wait_for_growth(tmp_path, process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert "frames in" in errors.splitlines()[-1]
    assert probe(path).frames >= 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_video_that_was_ended_is_kept_as_a_part(tiny_zoo, tmp_path, number, code):
    clips = tmp_path / "clips"
    clips.mkdir()
    words = ["stylize", str(long_clip(clips)), "-o", str(tmp_path / "b.mp4"), "--provider", "cpu"]
    with started(words, tiny_zoo) as process:
        wait_for_growth(tmp_path, process)
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == code, errors
    assert f"the part that was finished is in {tmp_path / 'b.partial.mp4'}" in errors
    assert "Traceback" not in errors
    assert {entry.name for entry in tmp_path.iterdir()} == {"clips", "b.partial.mp4"}
    assert probe(tmp_path / "b.partial.mp4").frames >= 3


def long_clip(folder):
    from artrt.engine.playing.pipeline import Pipeline

    Pipeline("test://320x180@30?frames=900", [], [folder / "a.mp4"], frames="all").run()
    return folder / "a.mp4"


@contextmanager
def started(words, zoo):
    environment = os.environ | {"ARTRT_ZOO": str(zoo)}
    command = [sys.executable, "-m", "artrt.cli.main", *words, "--style", "none"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_growth(folder, process):
    """Waits until a video has its first fragments."""
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size > 2000 for path in folder.glob(".artrt-*")):
        assert time.monotonic() < deadline, "it did not start to write"
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)


def test_signals_at_random_moments_leave_good_files(use_tiny_zoo, tmp_path):
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "artrt", "--version"], capture_output=True, check=True)
    start_seconds = time.monotonic() - began  # of this machine, with what else it does
    clip = write_sources(tmp_path)
    one = partial(
        one_run,
        clip=clip,
        folder=tmp_path,
        span_seconds=6 * start_seconds,
        longest_seconds=max(LONGEST_SECONDS, 10 * start_seconds),
    )
    with ThreadPoolExecutor(2) as pool:
        found = dict(enumerate(pool.map(one, range(12))))
    for number in [number for number, fault in found.items() if fault == "slow"]:  # or the machine was busy
        (tmp_path / str(number)).rename(tmp_path / f"slow-{number}")
        found[number] = one(number)
    assert {number: fault for number, fault in found.items() if fault not in GOOD} == {}
    assert list(found.values()).count("ok") >= 3


def test_a_recording_that_crashed_is_kept_by_the_next(tiny_zoo, tmp_path):
    path = tmp_path / "a.mp4"
    words = ["live", "test://320x180@30", "--headless", "-o", str(path), "--provider", "cpu"]
    with started(words, tiny_zoo) as process:
        wait_for_growth(tmp_path, process)
        process.kill()
        process.communicate()
    assert [entry.name.startswith(".artrt-") for entry in tmp_path.iterdir()] == [True]
    assert run([*words, "--style", "none", "--max-frames", "3"]) == 0
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.mp4", "a.partial.mp4"]
    assert probe(tmp_path / "a.mp4").frames == 3
    assert probe(tmp_path / "a.partial.mp4").frames >= 3


def test_a_traceback_is_artrts_from_its_first_line_on():
    line = '  File "{}", line 1, in <module>\n'
    start = 'Traceback (most recent call last):\n  File "<frozen site>", line 1, in main\n'
    assert not began_in(start + line.format(PACKAGE / "__init__.py"))
    assert began_in(start + line.format(PACKAGE / "cli" / "main.py"))
