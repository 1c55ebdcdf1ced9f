"""The rate of `artrt stylize` on a clip against the rate of its network alone, and what waiting threads cost.

    python benchmarks/end_to_end.py [--clip FILE] [--frames 120] [--rounds 3]

ONNX Runtime's threads can spin between two operators and two frames, or sleep. Spinning is quicker for the network
alone and takes the cores from decoding and encoding; both are measured. Without --clip a 640x360 clip is made.
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
from pathlib import Path

import numpy as np
from _harness import interleaved, write

from artrt.engine.jobs.job import Job, run_job
from artrt.engine.looks.building import build_chain
from artrt.engine.looks.look import Look
from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.sessions import onnxruntime as backend
from artrt.engine.stages.chain import Chain
from artrt.engine.zoo.zoo import Zoo

STYLE = Zoo().styles()[0]


def make_clip(path: Path, *, frames: int, size: str) -> Path:
    """A clip of the moving test scene."""
    Pipeline(f"test://{size}@30", [], [path], frames="all", max_frames=frames).run()
    return path


def open_chain(*, spinning: str, provider: str) -> Chain:
    """The shipped network with ONNX Runtime's threads spinning ("1") or sleeping ("0")."""
    kept, backend.SPINNING = backend.SPINNING, spinning
    try:
        return build_chain(Look(style=STYLE, provider=provider))
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
        "End to end is decoding, network and encoding; the share is of the same network alone, in turns. artrt runs "
        f"with sleeping threads. The command itself: {facts['command_fps']:g} frames/s, and before them "
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
    """Network alone and whole job in turns, threads sleeping and spinning; and the number of frames."""
    chains = {
        name: open_chain(spinning=flag, provider=provider)
        for name, flag in (("sleeping", "0"), ("spinning", "1"))
    }
    done = run_job(Job(clip, out, "video"), chains["sleeping"])
    frame = np.random.default_rng(0).integers(0, 256, (done.height, done.width, 3), dtype=np.uint8)

    def alone(chain: Chain) -> None:
        for _ in range(done.frames):
            chain(frame)

    contenders = {}
    for name, chain in chains.items():
        contenders[f"{name}, network"] = lambda chain=chain: alone(chain)
        contenders[f"{name}, end to end"] = lambda chain=chain: run_job(Job(clip, out, "video"), chain)
    timings = interleaved(contenders, rounds=rounds)
    rows: list[dict[str, object]] = [
        {
            "threads": name,
            "network_fps": round(done.frames * 1000 / timings[f"{name}, network"].median_ms, 2),
            "end_to_end_fps": round(done.frames * 1000 / timings[f"{name}, end to end"].median_ms, 2),
            "share": round(
                timings[f"{name}, network"].median_ms / timings[f"{name}, end to end"].median_ms, 3
            ),
        }
        for name in chains
    ]
    return rows, done.frames


if __name__ == "__main__":
    main()
