"""On an NVIDIA GPU: frames per second of chains and of whole videos, on CUDA against the CPU of the same machine.

    python benchmarks/gpu_video.py [--sizes 1280x720,1920x1080,3840x2160] [--providers cuda,cpu] [--frames 90]

A chain takes a frame from main memory and gives the picture back there. A video is decoded, painted and encoded by the
pipeline of `artrt stylize`. The CPU, which takes longer, gets fewer rounds and frames.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from _harness import RESULTS, write
from end_to_end import STYLE, make_clip

from artrt.engine.checks.bench import BenchOptions, bench
from artrt.engine.jobs.job import Job, run_job
from artrt.engine.looks.building import build_chain
from artrt.engine.looks.look import Effect, Look
from artrt.engine.stages.chain import Chain
from artrt.export.options import parse_size

PLAIN = Look(style=STYLE)
LOOKS = {
    "style": PLAIN,
    "style, saliency": replace(PLAIN, keep_salient=0.7),
    "superpixels, style": replace(PLAIN, superpixels=Effect(800)),
}
CPU_ROUNDS = 3
CPU_FRAMES = 20


def rows_of(size: str, provider: str, options: argparse.Namespace) -> list[dict[str, Any]]:
    """One row per look: the chain alone, and the style on a whole video."""
    rows, on_cpu = [], provider == "cpu"
    rounds = min(options.rounds, CPU_ROUNDS) if on_cpu else options.rounds
    frames = min(options.frames, CPU_FRAMES) if on_cpu else options.frames
    for name, look in LOOKS.items():
        with build_chain(replace(look, provider=provider, size=parse_size(size))) as chain:
            measured = BenchOptions(parse_size(size), rounds, warmup=1 if on_cpu else 5)
            (result,) = bench({name: chain}, measured)
            video = video_fps(chain, size, frames=frames) if look is PLAIN else None
        rows.append(
            {
                "size": size,
                "provider": provider,
                "what": name,
                "median_ms": result.median_ms,
                "p95_ms": result.p95_ms,
                "fps": result.fps,
                "video_fps": video,
            }
        )
    return rows


def video_fps(chain: Chain, size: str, *, frames: int) -> float:
    """Frames per second of decoding, painting and encoding a clip of the moving test scene."""
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(Path(folder) / "clip.mp4", frames=frames, size=size)
        done = run_job(Job(clip, Path(folder) / "out.mp4", "video"), chain)
    return round(done.frames / done.seconds, 2)


def main() -> None:
    """Measures and writes benchmarks/results/gpu_video.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1280x720,1920x1080,3840x2160")
    parser.add_argument("--providers", default="cuda,cpu")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--frames", type=int, default=90)
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()
    notes = f"""The shipped small network with the style {STYLE}. `fps` is of the chain alone, frames in main memory;
    `video_fps` is of decoding, painting and encoding H.264 on the CPU."""
    title = "Frames per second on CUDA against the CPU beside it"
    rows: list[dict[str, Any]] = []
    for size in options.sizes.split(","):
        for provider in options.providers.split(","):
            rows += rows_of(size, provider, options)
        write("gpu_video", title=title, rows=rows, notes=notes, directory=options.output)


if __name__ == "__main__":
    main()
