"""What the runtime itself costs: overhead, latency, endurance. Models play no part, but for --style.

    python benchmarks/pipeline.py [--seconds 600] [--frames 108000] [--style udnie] [--parts overhead latency endurance]

overhead   a 640x360 file through a stage into a file, against its slowest step alone (decode, stage, encode), and the
           rate of the pipeline with a fake stage of 1 ms; the median of three rounds
latency    a source at 30 frames a second, a stage of 100 ms, for ten minutes: the age of the shown frame; every frame
           is accounted for
endurance  an hour's worth of frames through a fake stage, as fast as they go: memory; then fifty pipelines from a file
           into a file and a web page: threads and file descriptors
"""

from __future__ import annotations

import argparse
import re
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from _harness import write

from artrt.engine.frame import Frame
from artrt.engine.looks.building import open_look
from artrt.engine.looks.look import Look
from artrt.engine.looks.runner import Runner
from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.result import Result
from artrt.engine.sinks import FunctionSink, NullSink, open_sink
from artrt.engine.sources import SourceInfo, open_source
from artrt.engine.statistics import Statistics

CLIP_FRAMES = 300


def sleeping_stage(seconds: float):
    def stage(image: np.ndarray) -> np.ndarray:
        time.sleep(seconds)
        return image

    return stage


class StillSource:
    """Gives copies of one picture, as fast as they are taken: a source that costs next to nothing."""

    reconnects = 0

    def __init__(self, frames: int, *, width: int = 640, height: int = 360) -> None:
        self.info = SourceInfo(
            "still", live=False, width=width, height=height, rate=Fraction(30), frame_count=frames
        )
        self._image = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
        self._frames, self._index = frames, 0

    def read(self) -> Frame | None:
        if self._index == self._frames:
            return None
        self._index += 1
        return Frame(self._image.copy(), self._index - 1, self._index / 30, time.monotonic())

    def cancel(self) -> None:
        self._frames = self._index

    def close(self) -> None:
        pass


def rate(run, frames: int) -> float:
    started = time.perf_counter()
    run()
    return frames / (time.perf_counter() - started)


def decode_rate(path: Path) -> float:
    source = open_source(path)

    def run() -> None:
        while source.read() is not None:
            pass

    return rate(run, CLIP_FRAMES)


def stage_rate(runner: Runner, frames: list[Frame]) -> float:
    return rate(lambda: [runner(frame.image) for frame in frames], len(frames))


def encode_rate(path: Path, frames: list[Frame], info: SourceInfo) -> float:
    sink = open_sink(path)
    sink.open(info)

    def run() -> None:
        for frame in frames:
            sink.write(Result(frame, frame.image))
        sink.close(completed=True)

    return rate(run, len(frames))


def overhead(style: str | None) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        Pipeline(f"test://640x360@30?frames={CLIP_FRAMES}", [], [clip], frames="all").run()
        chain, controls = open_look(Look(style or "none", stabilize=0.0))
        stages = [chain] if style else [sleeping_stage(0.005)]
        source = open_source(clip)
        frames = [source.read() for _ in range(CLIP_FRAMES)]
        rows = []
        with chain:
            for _ in range(3):
                runner = Runner(stages, controls=controls, statistics=Statistics())
                steps = {
                    "decode": decode_rate(clip),
                    "stage": stage_rate(runner, frames),
                    "encode": encode_rate(Path(folder) / "alone.mp4", frames, source.info),
                }
                pipeline = Pipeline(clip, stages, [Path(folder) / "out.mp4"], controls=controls)
                whole = rate(pipeline.run, CLIP_FRAMES)
                slowest = min(steps, key=lambda name: steps[name])
                rows.append(
                    {
                        "what": f"file to file, {style or 'fake stage of 5 ms'}",
                        **{f"{name} alone, fps": round(value, 1) for name, value in steps.items()},
                        "end to end, fps": round(whole, 1),
                        "of the slowest step, %": round(100 * whole / steps[slowest], 1),
                    }
                )
        source.close()
    return [sorted(rows, key=lambda row: row["of the slowest step, %"])[len(rows) // 2]]


def fake_rate() -> dict[str, Any]:
    rates = [
        rate(Pipeline(StillSource(2000), [sleeping_stage(0.001)], [NullSink()]).run, 2000) for _ in range(3)
    ]
    return {"what": "fake stage of 1 ms, 640x360", "frames per second": round(float(np.median(rates)), 1)}


def latency(seconds: float) -> dict[str, Any]:
    ages: list[float] = []
    sink = FunctionSink(lambda result: ages.append(result.age_ms), live=True)
    pipeline = Pipeline("test://640x360@30", [sleeping_stage(0.1)], [sink])
    threading.Timer(seconds, pipeline.stop).start()
    stats = pipeline.run()
    shown = stats.sinks["function"].written
    return {
        "what": f"30 fps, stage of 100 ms, {seconds:g} s",
        "age p50, ms": round(float(np.percentile(ages, 50)), 1),
        "age p99, ms": round(float(np.percentile(ages, 99)), 1),
        "age max, ms": round(max(ages), 1),
        "frames in": stats.frames_in,
        "shown": shown,
        "dropped": stats.drops + stats.sinks["function"].dropped,
        "accounted for": stats.frames_in == shown + stats.drops + stats.sinks["function"].dropped,
    }


def memory_mb() -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024  # type: ignore[index]


def endurance(frames: int) -> dict[str, Any]:
    levels: list[float] = []

    def watch(result: Result) -> None:
        if result.index % 1000 == 999:
            levels.append(memory_mb())

    def fake(image: np.ndarray) -> np.ndarray:
        return 255 - image

    started = time.perf_counter()
    Pipeline(StillSource(frames), [fake], [FunctionSink(watch)]).run()
    seconds = time.perf_counter() - started

    def count() -> tuple[int, int]:
        return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))

    with tempfile.TemporaryDirectory() as folder:
        clip, out = Path(folder) / "clip.mp4", Path(folder) / "out.mp4"
        Pipeline("test://320x180@30?frames=5", [], [clip], frames="all").run()

        def cycle() -> None:
            Pipeline(clip, [fake], [out, "http://127.0.0.1:0"], frames="all").run()

        cycle()
        before = count()
        for _ in range(50):
            cycle()
        after = count()
    return {
        "what": f"{frames} frames, then 50 starts and stops",
        "seconds": round(seconds, 1),
        "memory after 1000, MB": round(levels[0], 1),
        "growth, MB": round(max(levels) - levels[0], 2),
        "threads before": before[0],
        "threads after": after[0],
        "descriptors before": before[1],
        "descriptors after": after[1],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--frames", type=int, default=108_000)
    parser.add_argument("--style")
    parser.add_argument("--parts", nargs="+", default=["overhead", "latency", "endurance"])
    options = parser.parse_args()
    rows: list[dict[str, Any]] = []
    if "overhead" in options.parts:
        rows += overhead(None)
        rows += overhead(options.style) if options.style else []
        rows.append(fake_rate())
    if "latency" in options.parts:
        rows.append(latency(options.seconds))
    if "endurance" in options.parts:
        rows.append(endurance(options.frames))
    table = [
        {"what": row["what"], "figure": name, "value": value}
        for row in rows
        for name, value in row.items()
        if name != "what"
    ]
    notes = (
        "`of the slowest step`: above 100 % where the steps, measured alone, had less of the machine to themselves. "
        "Aims: 90 % of the slowest step, 400 frames a second, no frame older than 220 ms, less than 10 MB of growth, "
        "not a thread or descriptor more."
    )
    write("pipeline", title="What the runtime itself costs", rows=table, notes=notes)


if __name__ == "__main__":
    main()
