"""The rate of `artrt stylize` on a clip against the rate of its network alone, and what waiting threads cost.

    python benchmarks/end_to_end.py [--clip FILE] [--frames 120] [--rounds 3]

ONNX Runtime's threads can spin between two operators and two frames, or sleep. Spinning is quicker for the network
alone and takes the cores from decoding and encoding; both are measured. Without --clip a 640x360 clip is made.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from _harness import interleaved, write

from artrt.engine.chains import ChainOptions, build_chain
from artrt.engine.jobs import Job, run_job
from artrt.engine.pipeline import Pipeline
from artrt.engine.sessions import onnxruntime as backend
from artrt.engine.stages import Chain


def make_clip(path: Path, *, frames: int, size: str) -> Path:
    """A clip of the moving test scene."""
    Pipeline(f"test://{size}@30", [], [path], frames="all", max_frames=frames).run()
    return path


def open_chain(*, spinning: str, provider: str) -> Chain:
    """The shipped network with ONNX Runtime's threads spinning ("1") or sleeping ("0")."""
    kept, backend.SPINNING = backend.SPINNING, spinning
    try:
        return build_chain(ChainOptions(style="starry-night", provider=provider))
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
        rows = measure(clip, Path(folder) / "out.mp4", rounds=options.rounds, provider=options.provider)
    notes = "End to end is decoding, network and encoding; the share is of the same network alone."
    write("end_to_end", title=f"{clip.name}: artrt stylize against its network alone", rows=rows, notes=notes)


def measure(clip: Path, out: Path, *, rounds: int, provider: str) -> list[dict[str, object]]:
    """Network alone and whole job in turns, threads sleeping and spinning."""
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
    return [
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


if __name__ == "__main__":
    main()
