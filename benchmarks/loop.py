"""The loop that one would write oneself against `artrt stylize`: the same clip, the same network, the same process.

    python benchmarks/loop.py [--size 640x360] [--frames 90] [--rounds 5]

Naive loops read, paint and write one frame after the other in one thread: with OpenCV, whose wheels cannot write H.264
and so write the cheaper and larger MPEG-4, and with PyAV, which writes the very stream that artrt writes. What artrt
adds to them: threads, a frame on each core, real timestamps, audio, a file that is complete or not there.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import av
import cv2
from _harness import Timing, interleaved, write

from artrt.engine.jobs.job import Job, run_job
from artrt.engine.jobs.stylize import look_for
from artrt.engine.looks.building import build_chain
from artrt.engine.looks.look import Look
from artrt.engine.looks.stylizer import Stylizer
from artrt.engine.playing.pipeline import Pipeline
from artrt.engine.sinks.base import EncodeOptions
from artrt.engine.sinks.encoder import codec_settings
from artrt.engine.stages.chain import Chain
from artrt.engine.zoo.zoo import Zoo

RATE = 30


def opencv_loop(clip: Path, out: Path, chain: Chain) -> None:
    """Capture, paint, write, as in OpenCV's tutorials."""
    camera = cv2.VideoCapture(str(clip))
    size = tuple(int(camera.get(key)) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
    writer = cv2.VideoWriter(str(out), cv2.VideoWriter.fourcc(*"mp4v"), RATE, size)
    while True:
        there, frame = camera.read()
        if not there:
            break
        writer.write(chain(frame))
    writer.release()


def pyav_loop(clip: Path, out: Path, chain: Chain) -> None:
    """Decode, paint, encode, as in PyAV's cookbook, with artrt's settings of H.264."""
    with av.open(str(clip)) as source, av.open(str(out), "w") as target:
        stream = None
        for frame in source.decode(video=0):
            painted = av.VideoFrame.from_ndarray(chain(frame.to_ndarray(format="bgr24")), format="bgr24")
            if stream is None:
                settings = codec_settings("libx264", EncodeOptions(), low_latency=False)
                stream = target.add_stream("libx264", rate=RATE, options=settings)
                stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
            target.mux(stream.encode(painted))
        target.mux(stream.encode(None))


def main() -> None:
    """Measures and writes benchmarks/results/loop.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--frames", type=int, default=90)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    look = Look(style=Zoo().styles()[0], provider="cpu", stabilize=0.0)  # the loops do not stabilize either
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        chain = stack.enter_context(build_chain(look))
        clip, outputs = Path(scratch) / "clip.mp4", [Path(scratch) / f"{name}.mp4" for name in "abc"]
        Pipeline(f"test://{options.size}@{RATE}", [], [clip], frames="all", max_frames=options.frames).run()
        job = Job(clip, outputs[2], "video")
        stylizer = stack.enter_context(Stylizer(look_for([job], look)))
        runs: dict[str, Callable[[], object]] = {
            "naive loop, OpenCV, one thread, MPEG-4": lambda: opencv_loop(clip, outputs[0], chain),
            "naive loop, PyAV, one thread, H.264": lambda: pyav_loop(clip, outputs[1], chain),
            "artrt stylize, H.264": lambda: run_job(job, stylizer),
        }
        timings = interleaved(runs, rounds=options.rounds)
        sizes = [round(path.stat().st_size / 1000) for path in outputs]
    write(
        "loop",
        title=f"{options.frames} frames of {options.size}, decoded, painted and encoded",
        rows=[
            row(name, timing, frames=options.frames, size_kb=size)
            for (name, timing), size in zip(timings.items(), sizes, strict=True)
        ],
        facts={"size": options.size, "frames": options.frames, "cores": os.cpu_count()},
        notes="The same network in all, loaded before and taking turns in one process. A machine that is busy with "
        "something else slows threads that wait for each other more than a single one: measure on a quiet one.",
    )


def row(name: str, timing: Timing, *, frames: int, size_kb: int) -> dict[str, object]:
    """Frames per second of the median round, and of the slowest and fastest."""
    return {
        "loop": name,
        "frames_per_second": round(1000 * frames / timing.median_ms, 2),
        "slowest": round(1000 * frames / timing.p95_ms, 2),
        "fastest": round(1000 * frames / timing.minimum_ms, 2),
        "file_kb": size_kb,
    }


if __name__ == "__main__":
    main()
