"""Painting at a working size against painting at the frame's size, and against the classic network at both.

    python benchmarks/working_size.py [--sizes 1280x720,1920x1080,3840x2160] [--rounds 5] [--processor-time]

The shipped network paints at a short side of 360 pixels and finishes at the frame's size; "at full size" is the same
network without that, as it was before. The classic network gets the same working size, with OpenCV's reduction and
enlargement, so that the comparison is fair. Peak memory is that of a process that does nothing else.
`--processor-time` counts the time of all threads instead of the clock's, for a machine that is busy with other things.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from _harness import interleaved, write

from artrt.engine.errors import ProviderError
from artrt.engine.looks.building import build_chain
from artrt.engine.looks.look import Look
from artrt.engine.sessions import SessionOptions
from artrt.engine.sessions.onnxruntime import open_model
from artrt.engine.stages.stage import Stage
from artrt.engine.zoo.zoo import Zoo

CLASSIC, CLASSIC_SMALL = "classic 32-64-128", "classic, at the working size"
BEFORE, AFTER = "small, at full size", "small"
SHORT_SIDE_PX = 360


def contenders(
    frame: np.ndarray, folder: Path, threads: int, wanted: list[str]
) -> dict[str, Callable[[], Any]]:
    """Name -> what paints the frame."""
    size = (frame.shape[0], frame.shape[1])
    runs: dict[str, Callable[[], Any]] = {}
    if CLASSIC in wanted:
        import onnx  # PyTorch comes with the next line, and is no part of the memory that is measured
        from stylize import Classic

        onnx.save(Classic().model(), str(folder / "classic.onnx"))
        classic = open_model(folder / "classic.onnx", "cpu", SessionOptions(threads=threads, size=size))
        runs[CLASSIC] = lambda: classic.run({"frame": frame})
        runs[CLASSIC_SMALL] = lambda: _around(frame, lambda small: classic.run({"frame": small})["output"])
    style = Zoo().style(Zoo().styles()[0]).vector
    if BEFORE in wanted:
        before = Stage(
            open_model(_full_size(folder, size), "cpu", SessionOptions(threads=threads, size=size))
        )
        runs[BEFORE] = lambda: before(frame, style=style)
    for name, provider, precision in (
        (f"{AFTER}, ONNX Runtime", "cpu", "fp32"),
        (f"{AFTER}, OpenVINO", "openvino", "fp32"),
        (f"{AFTER}, OpenVINO, bf16", "openvino", "bf16"),
    ):
        look = Look(
            style=Zoo().styles()[0], provider=provider, precision=precision, threads=threads, size=size
        )
        try:
            chain = build_chain(look)
        except ProviderError as error:
            print(f"left out {name}: {error}", file=sys.stderr)
            continue
        runs[name] = lambda chain=chain: chain(frame)
    return runs


def _around(frame: np.ndarray, paint: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Reduces, paints, enlarges, in OpenCV."""
    height, width = frame.shape[:2]
    scale = SHORT_SIDE_PX / min(height, width)
    size = (8 * round(width * scale / 8), 8 * round(height * scale / 8))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return cv2.resize(paint(small), (width, height), interpolation=cv2.INTER_LINEAR)


def _full_size(folder: Path, size: tuple[int, int]) -> Path:
    """The shipped network for strokes so fine that the working size is the frame's."""
    import onnx

    from artrt.export.fixed_stroke import with_stroke

    model = with_stroke(onnx.load(str(Zoo().model_path("small"))), SHORT_SIDE_PX / min(size))
    onnx.save(model, str(folder / "before.onnx"))
    return folder / "before.onnx"


def peak_mb(size: str, threads: int) -> int:
    """Peak memory of a process that loads the network and paints four frames."""
    command = [sys.executable, __file__, "--child", size, str(threads)]
    return int(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()[-1])


def child(size: str, threads: int) -> None:
    """What `peak_mb` runs."""
    frame = _frame(size)
    look = Look(style=Zoo().styles()[0], provider="cpu", threads=threads, size=frame.shape[:2])
    with build_chain(look) as chain:
        for _ in range(4):
            chain(frame)
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(round(int(peak) / 1024))  # getrusage would count the parent's memory at the fork


def _frame(size: str) -> np.ndarray:
    width, height = map(int, size.split("x"))
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def rows_of(size: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """One row for each contender, measured in turns."""
    frame, classic = _frame(size), size in options.classic_sizes.split(",")
    clock = time.process_time if options.processor_time else time.perf_counter
    with tempfile.TemporaryDirectory() as scratch:
        runs = contenders(frame, Path(scratch), options.threads, [CLASSIC] * classic + [BEFORE])
        timings = interleaved(runs, rounds=options.rounds, clock=clock)
    peak = peak_mb(size, options.threads)
    return [
        {
            "size": size,
            "network": name,
            "megapixels": round(frame.shape[0] * frame.shape[1] / 1e6, 3),
            "timing": timing,
            "times the classic": round(timings[CLASSIC].median_ms / timing.median_ms, 1) if classic else None,
            "peak_mb": peak if name == f"{AFTER}, ONNX Runtime" else None,
        }
        for name, timing in timings.items()
    ]


def main() -> None:
    """Measures and writes benchmarks/results/working_size.json."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], int(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="640x360,1280x720,1920x1080,3840x2160")
    parser.add_argument("--classic-sizes", default="1280x720,1920x1080,3840x2160", help="4K takes it 10 GB.")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processor-time", action="store_true")
    options = parser.parse_args()
    rows = [row for size in options.sizes.split(",") for row in rows_of(size, options)]
    clock = "processor time of all threads" if options.processor_time else "wall clock"
    notes = (
        f"Times are {clock}. All contenders of a size took turns in one process: trust the ratios. `times the "
        "classic`: its rate at full size. `peak_mb`: a process of its own, Python included. "
        "`small, at full size` is the same network painting every pixel of the frame."
    )
    write(
        "working_size",
        title=f"Painting at a working size: {options.threads} CPU threads",
        rows=rows,
        facts={"threads": options.threads, "clock": clock},
        notes=notes,
    )


if __name__ == "__main__":
    main()
