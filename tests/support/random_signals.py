"""Ends short runs by random signals at random moments, and checks what they leave behind.

    python tests/support/random_signals.py --runs 200

Each run paints a picture or a video over a good older file. Afterwards the named file is the old one or a complete new
one, nothing printed a traceback, and the process ended within three seconds of the signal.
"""

from __future__ import annotations

import argparse
import json
import random
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

from artrt.engine.playing.pipeline import Pipeline

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LONGEST_SECONDS = 3.0
FRAMES = 60


def is_whole(path: Path) -> bool:
    """Whether a picture can be read, or a video has all its frames."""
    if path.suffix == ".png":
        return cv2.imread(str(path)) is not None
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0)) == FRAMES


def one_run(number: int, *, clip: Path, folder: Path) -> str:
    """Starts a run and ends it: "ok", "ended before the signal", or the fault."""
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
        time.sleep(dice.uniform(0.0, 2.5))
        early = process.poll() is not None
        process.send_signal(dice.choice(SIGNALS))
        began = time.monotonic()
        try:
            _, errors = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            return "hang"
    if time.monotonic() - began > LONGEST_SECONDS:
        return "slow"
    if "Traceback" in errors:
        return "traceback: " + errors.strip().splitlines()[-1]
    if not is_whole(output):
        return "broken file"
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
        clip = Path(name) / "clip.mp4"
        Pipeline(f"test://320x180@30?frames={FRAMES}", [], [clip], frames="all").run()
        cv2.imwrite(str(clip.with_suffix(".png")), np.full((180, 320, 3), 90, np.uint8))
        found = Counter(
            pool.map(lambda number: one_run(number, clip=clip, folder=Path(name)), range(asked.runs))
        )
    print(json.dumps(dict(found)))
    sys.exit(0 if set(found) <= {"ok", "ended before the signal"} else 1)


if __name__ == "__main__":
    main()
