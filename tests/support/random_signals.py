"""Ends short runs by random signals at random moments, and checks what they leave behind.

    python tests/support/random_signals.py --runs 200

Each run paints a picture or a video over a good older file. Afterwards the named file is the old one or a complete new
one, a part that is kept can be played, artrt printed no traceback, and the process ended within three seconds of the
signal. The seed of a run chooses its picture, signal and moment. `tests/cli/test_signals.py` runs a sample.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import cv2
import numpy as np

import artrt
from artrt.engine.playing.pipeline import Pipeline

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LONGEST_SECONDS = 3.0
SPAN_SECONDS = 2.5
FRAMES = 60
GOOD = frozenset({"ok", "ended before the signal", "ended before artrt began"})
PACKAGE = Path(artrt.__file__).resolve().parent


def is_whole(path: Path) -> bool:
    """Whether a picture can be read, or a video has all its frames."""
    if path.suffix == ".png":
        return cv2.imread(str(path)) is not None
    return frames_of(path) == FRAMES


def frames_of(path: Path) -> int:
    """Number of frames of a video; 0 if it cannot be played."""
    try:
        with av.open(str(path)) as container:
            return sum(1 for _ in container.decode(video=0))
    except av.FFmpegError:
        return 0


def began_in(errors: str) -> bool:
    """Whether a traceback comes from artrt, not from Python's own start and its import of the package."""
    begun = (PACKAGE / "__main__.py", *(PACKAGE / room for room in ("cli", "engine", "export", "models")))
    frames = [Path(name).resolve() for name in re.findall(r'File "([^"]+)"', errors)]
    return any(frame.is_relative_to(part) for frame in frames for part in begun)


def write_sources(folder: Path) -> Path:
    """Writes clip.mp4 and clip.png; returns the path of the clip."""
    clip = folder / "clip.mp4"
    Pipeline(f"test://320x180@30?frames={FRAMES}", [], [clip], frames="all").run()
    cv2.imwrite(str(clip.with_suffix(".png")), np.full((180, 320, 3), 90, np.uint8))
    return clip


def one_run(
    number: int,
    *,
    clip: Path,
    folder: Path,
    span_seconds: float = SPAN_SECONDS,
    longest_seconds: float = LONGEST_SECONDS,
) -> str:
    """Starts a run and ends it: "ok", "ended before the signal", or the fault.

    Args:
        number: The seed, and the name of the run's folder.
        clip: The clip of `write_sources`.
        folder: Gets a folder for this run.
        span_seconds: The signal is sent at a moment up to this.
        longest_seconds: The process has to end within this time after the signal.
    """
    dice = random.Random(number)
    place = folder / str(number)
    place.mkdir()
    output = place / dice.choice(("a.png", "a.mp4"))
    source = clip if output.suffix == ".mp4" else clip.with_suffix(".png")
    output.write_bytes(source.read_bytes())
    words = [
        "stylize",
        str(source),
        "-o",
        str(output),
        "--style",
        "none",
        "--quantize",
        "8",
        "--provider",
        "cpu",
    ]
    command = [sys.executable, "-m", "artrt", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        time.sleep(dice.uniform(0.0, span_seconds))
        early = process.poll() is not None
        process.send_signal(dice.choice(SIGNALS))
        began = time.monotonic()
        try:
            _, errors = process.communicate(timeout=20 + longest_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return "hang"
    if time.monotonic() - began > longest_seconds:
        return "slow"
    if "Traceback" in errors:
        last = errors.strip().splitlines()[-1]
        return f"traceback: {last}" if began_in(errors) else "ended before artrt began"
    if not is_whole(output):
        return "broken file"
    if any(frames_of(path) == 0 for path in place.glob("*.partial.mp4")):
        return "broken part"
    if any(path.name.startswith(".artrt-") for path in place.iterdir()):
        return "hidden part left"
    return "ended before the signal" if early else "ok"


def main() -> None:
    """Runs all and prints the counts as JSON; exit code 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(asked.at_once) as pool:
        clip = write_sources(Path(name))
        found = Counter(
            pool.map(lambda number: one_run(number, clip=clip, folder=Path(name)), range(asked.runs))
        )
    print(json.dumps(dict(found)))
    sys.exit(0 if set(found) <= GOOD else 1)


if __name__ == "__main__":
    main()
