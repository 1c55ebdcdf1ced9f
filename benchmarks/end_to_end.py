"""The rate of `artrt stylize` on a clip against the rate of its network alone, and what waiting threads cost.

    python benchmarks/end_to_end.py [--clip FILE] [--frames 120] [--rounds 3]

ONNX Runtime's threads can spin between two operators and two frames, or sleep. Spinning is quicker for the network
alone and takes the cores from decoding and encoding. Or every core paints a frame of its own, as `artrt stylize` does.
All three are measured. Without --clip a 640x360 clip is made.
The command itself runs too: what it takes beyond its job is start-up, of which no rate knows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from _harness import interleaved, write

from artrt.engine.frame import Image
from artrt.engine.jobs.job import Job, run_job
from artrt.engine.jobs.stylize import look_for
from artrt.engine.looks.look import Look
from artrt.engine.looks.runner import Runner
from artrt.engine.looks.stylizer import Stylizer
from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.sessions import onnxruntime as backend
from artrt.engine.statistics import Statistics
from artrt.engine.zoo.zoo import Zoo

STYLE = Zoo().styles()[0]


def make_clip(path: Path, *, frames: int, size: str) -> Path:
    """A clip of the moving test scene."""
    Pipeline(f"test://{size}@30", [], [path], frames="all", max_frames=frames).run()
    return path


def open_stylizer(*, spinning: str, provider: str, at_once: int) -> Stylizer:
    """The shipped network with ONNX Runtime's threads spinning ("1") or sleeping ("0")."""
    kept, backend.SPINNING = backend.SPINNING, spinning
    try:
        return Stylizer(Look(style=STYLE, provider=provider, at_once=at_once, stabilize=0.0))
    finally:
        backend.SPINNING = kept


def main() -> None:
    """Measures and writes benchmarks/results/end_to_end.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clip", type=Path)
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--provider", default="cpu")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = options.clip or make_clip(Path(folder) / "clip.mp4", frames=options.frames, size=options.size)
        out = Path(folder) / "out.mp4"
        rows, frames = measure(clip, out, rounds=options.rounds, provider=options.provider)
        facts = {"frames": frames, **command(clip, out, rounds=options.rounds, provider=options.provider)}
    notes = (
        "End to end is decoding, network and encoding; the share is of the same network alone, in turns, the last "
        "column of the network with all cores on one frame. artrt paints a frame on each core, with sleeping threads. "
        f"The command itself, with its stabilizer: {facts['command_fps']:g} frames/s, and before them "
        f"{facts['start_up_seconds']:g} s of start-up: interpreter, libraries, network, and the inference that proves "
        "the provider."
    )
    title = f"`artrt stylize` against its network alone: {frames} frames of {facts['size']}"
    write("end_to_end", title=title, rows=rows, facts=facts, notes=notes)


def command(clip: Path, out: Path, *, rounds: int, provider: str) -> dict[str, object]:
    """The rate that `artrt stylize` reports, and what the whole command took beyond that; medians."""
    words = ["stylize", str(clip), "-o", str(out), "--style", STYLE, "--provider", provider, "--json"]
    rates, start_ups, size = [], [], ""
    for _ in range(rounds):
        started = time.perf_counter()
        answer = subprocess.run(
            [sys.executable, "-m", "artrt.cli.main", *words], check=True, capture_output=True, text=True
        )
        seconds = time.perf_counter() - started
        (done,) = json.loads(answer.stdout)
        rates.append(done["fps"])
        start_ups.append(seconds - done["seconds"])
        size = f"{done['width']}x{done['height']}"
    median = statistics.median
    return {
        "size": size,
        "command_fps": round(median(rates), 2),
        "start_up_seconds": round(median(start_ups), 2),
    }


def measure(clip: Path, out: Path, *, rounds: int, provider: str) -> tuple[list[dict[str, object]], int]:
    """Network alone and whole job in turns, in three ways; and the number of frames."""
    cores = look_for([Job(clip, out, "video")], Look(style=STYLE)).at_once or 1
    ways = {
        "all on one frame, sleeping": open_stylizer(spinning="0", provider=provider, at_once=1),
        "all on one frame, spinning": open_stylizer(spinning="1", provider=provider, at_once=1),
        f"{cores} frames at once": open_stylizer(spinning="0", provider=provider, at_once=cores),
    }
    done = run_job(Job(clip, out, "video"), next(iter(ways.values())))
    frame = np.random.default_rng(0).integers(0, 256, (done.height, done.width, 3), dtype=np.uint8)
    contenders = {}
    for name, stylizer in ways.items():
        contenders[f"{name}, network"] = partial(paint_alone, stylizer, frame, count=done.frames)
        contenders[f"{name}, end to end"] = partial(run_job, Job(clip, out, "video"), stylizer)
    timings = interleaved(contenders, rounds=rounds)
    rates = {name: done.frames * 1000 / timing.median_ms for name, timing in timings.items()}
    alone = rates[f"{next(iter(ways))}, network"]
    rows: list[dict[str, object]] = [
        {
            "threads": name,
            "network_fps": round(rates[f"{name}, network"], 2),
            "end_to_end_fps": round(rates[f"{name}, end to end"], 2),
            "share": round(rates[f"{name}, end to end"] / rates[f"{name}, network"], 3),
            "share_of_one_frame": round(rates[f"{name}, end to end"] / alone, 3),
        }
        for name in ways
    ]
    return rows, done.frames


def paint_alone(stylizer: Stylizer, frame: Image, *, count: int) -> None:
    """Paints one frame again and again, several at once where the stylizer was loaded for it."""
    runner = Runner([stylizer.chain], controls=stylizer.controls, statistics=Statistics(), overlapping=True)
    painting: deque[Callable[[], Image]] = deque()
    for _ in range(count):
        painting.append(runner.start(frame))
        if len(painting) == runner.ahead:
            painting.popleft()()
    for picture in painting:
        picture()
    runner.close()


if __name__ == "__main__":
    main()
