"""Time and memory of the shipped network as the picture grows, with 1 and 2 threads, and as batches grow.

    python benchmarks/scaling.py [--sizes 640x360,1280x720,1920x1080,3840x2160] [--threads 1,2] [--batches 1,2,4]

Each point is a process of its own, so that its peak memory is its own. `docs/make_benchmarks.py` draws the plot.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from _harness import Timing, interleaved, write

from artrt.engine.looks.building import build_chain
from artrt.engine.looks.look import Look
from artrt.engine.sessions import SessionOptions
from artrt.engine.sessions.onnxruntime import open_model
from artrt.engine.zoo.zoo import Zoo

SIZES = "640x360,960x540,1280x720,1920x1080,2560x1440,3840x2160"


def point(size: str, threads: int, rounds: int, provider: str) -> dict[str, Any]:
    """Times one size in this process and reads its peak memory."""
    width, height = map(int, size.split("x"))
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    look = Look(style=Zoo().styles()[0], provider=provider, threads=threads, size=(height, width))
    with build_chain(look) as chain:
        before = _peak_mb()
        timing = interleaved({"frame": lambda: chain(frame)}, rounds=rounds)["frame"]
    return {"timing": vars(timing), "idle_mb": before, "peak_mb": _peak_mb()}


def batch_point(size: str, threads: int, rounds: int, batch: int) -> dict[str, Any]:
    """Times a batch of frames in one call, in this process."""
    import onnx

    from artrt.export.batch import batched

    width, height = map(int, size.split("x"))
    frames = np.random.default_rng(0).integers(0, 256, (batch, height, width, 3), np.uint8)
    zoo = Zoo()
    with tempfile.TemporaryDirectory() as scratch:
        path, model = Path(scratch) / "batch.onnx", onnx.load(zoo.model_path("small"))
        onnx.save(batched(model, batch) if batch > 1 else model, str(path))
        with open_model(path, "cpu", SessionOptions(threads=threads, size=(height, width))) as session:
            feeds = {
                "frame": frames if batch > 1 else frames[0],
                "style": zoo.style(zoo.styles()[0]).vector,
                "strength": np.array(1, np.float32),
                "keep_salient": np.array(0, np.float32),
                "mask": np.zeros((1, 1), np.float32),
            }
            timing = interleaved({"batch": lambda: session.run(feeds)}, rounds=rounds)["batch"]
    return {"timing": vars(timing), "peak_mb": _peak_mb()}


def batch_rows(size: str, batches: list[int], threads: int, rounds: int) -> list[dict[str, Any]]:
    """One row for each batch, by a process of its own."""
    rows = []
    for batch in batches:
        found = child("--batch-child", size, threads, rounds, batch)
        timing = Timing(**found["timing"])
        per_frame = round(timing.median_ms / batch, 2)
        rows.append(
            {
                "batch": batch,
                "ms_per_frame": per_frame,
                "timing_of_the_batch": timing.median_ms,
                "peak_mb": found["peak_mb"],
            }
        )
    return rows


def child(*words: object) -> dict[str, Any]:
    """What this script prints in a process of its own."""
    command = [sys.executable, __file__, *map(str, words)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _peak_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measured(size: str, threads: int, rounds: int, provider: str) -> dict[str, Any]:
    """One row, by a process of its own."""
    found = child("--child", size, threads, rounds, provider)
    width, height = map(int, size.split("x"))
    timing = Timing(**found["timing"])
    return {
        "size": size,
        "threads": threads,
        "megapixels": round(width * height / 1e6, 3),
        "timing": timing,
        "ms_per_megapixel": round(timing.median_ms / (width * height / 1e6), 1),
        "idle_mb": found["idle_mb"],
        "peak_mb": found["peak_mb"],
    }


def main() -> None:
    """Measures and writes benchmarks/results/scaling.json."""
    if sys.argv[1:2] == ["--child"]:
        size, threads, rounds, provider = sys.argv[2:]
        print(json.dumps(point(size, int(threads), int(rounds), provider)))
        return
    if sys.argv[1:2] == ["--batch-child"]:
        size, *numbers = sys.argv[2:]
        print(json.dumps(batch_point(size, *map(int, numbers))))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default=SIZES)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--batches", default="1,2,4")
    parser.add_argument("--batch-size", default="640x360", metavar="WxH")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--provider", default="cpu")
    options = parser.parse_args()
    rows = [
        measured(size, int(threads), options.rounds, options.provider)
        for size in options.sizes.split(",")
        for threads in options.threads.split(",")
    ]
    notes = "`idle_mb`: with the network loaded, before the first frame. `peak_mb`: the whole process, Python included."
    write(
        "scaling",
        title="One frame of `small` as it grows",
        rows=rows,
        facts={"provider": options.provider},
        notes=notes,
    )

    threads = max(map(int, options.threads.split(",")))
    batches = list(map(int, options.batches.split(",")))
    title = f"Frames of {options.batch_size} in one call, {threads} threads, ONNX Runtime"
    write("scaling_batch", title=title, rows=batch_rows(options.batch_size, batches, threads, options.rounds))


if __name__ == "__main__":
    main()
