"""All benchmarks, or some, one after the other.

    python -m benchmarks all --quick        under ten minutes on two cores
    python -m benchmarks peers scaling
    python -m benchmarks list

Each writes benchmarks/results/NAME.json and NAME.md; `python docs/make_benchmarks.py` makes the page and the README's
tables of them. Benchmarks that want pictures take them from $ARTRT_SHARED, or ../shared/data beside the repository;
they are left out where there are none, and the one for GPUs where there is no GPU. Those that train networks take an
hour or more and are left out of a quick run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("ARTRT_SHARED") or HERE.parent.parent / "shared" / "data")


@dataclass(frozen=True)
class Benchmark:
    """A script with its arguments.

    Args:
        script: File name.
        full: Arguments of a full run.
        quick: Arguments of a quick one; None where there is none, because networks are trained for it.
        needs: "", "pictures" or "gpu".
    """

    script: str
    full: tuple[str, ...] = ()
    quick: tuple[str, ...] | None = ()
    needs: str = ""

    def missing(self) -> str:
        """What is not there, or ""."""
        if not (HERE / self.script).is_file():
            return f"benchmarks/{self.script}"
        if self.needs == "pictures" and not SHARED.is_dir():
            return f"pictures in {SHARED}"
        if self.needs == "gpu" and not Path("/dev/nvidiactl").exists():
            return "an NVIDIA GPU"
        return ""


def words(text: str) -> tuple[str, ...]:
    """Arguments as they would be typed."""
    return tuple(text.split())


BENCHMARKS = {
    "working_size": Benchmark(
        "working_size.py",
        quick=words("--sizes 640x360,1280x720,3840x2160 --classic-sizes 1280x720 --rounds 3"),
    ),
    "stroke_sizes": Benchmark("stroke_sizes.py", quick=words("--heights 360,720"), needs="pictures"),
    "any_painting": Benchmark(
        "any_painting.py",
        ("--paintings", str(SHARED / "styles"), "--photos", str(SHARED / "photos")),
        ("--paintings", str(SHARED / "styles"), "--photos", str(SHARED / "photos"), "--limit", "2"),
        needs="pictures",
    ),
    "stylize": Benchmark("stylize.py", quick=words("--rounds 5")),
    "peers": Benchmark("peers.py", quick=words("--size 640x360 --rounds 3")),
    "loop": Benchmark("loop.py", quick=words("--frames 60")),
    "end_to_end": Benchmark("end_to_end.py", quick=words("--frames 60")),
    "studio": Benchmark("studio.py", quick=words("--rounds 2")),
    "scaling": Benchmark(
        "scaling.py", quick=words("--sizes 640x360,1280x720,1920x1080,3840x2160 --rounds 3")
    ),
    "evaluation": Benchmark("evaluation.py", quick=words("--limit 4"), needs="pictures"),
    "pipeline": Benchmark("pipeline.py", quick=words("--seconds 10 --frames 8000")),
    "preprocess": Benchmark(
        "preprocess.py", quick=words("--quick --every 8 --rounds 7 --frames 10"), needs="pictures"
    ),
    "stabilize": Benchmark("stabilize.py", quick=words("--styles udnie --frames 4"), needs="pictures"),
    "paint_curve": Benchmark(
        "paint.py", words("curve"), words("curve --size 192 --steps 60 --plain-steps 60"), needs="pictures"
    ),
    "paint_pairs": Benchmark("paint_pairs.py", (), words("--size 128 --steps 20"), needs="pictures"),
    "paint_region": Benchmark(
        "paint.py", words("region"), words("region --size 160 --steps 30 --photos 2"), needs="pictures"
    ),
    "paint_memory": Benchmark(
        "paint.py", words("memory"), words("memory --size 1024 --steps 2"), needs="pictures"
    ),
    "precision": Benchmark(
        "precision.py",
        words(f"--calibration {SHARED / 'photos'}"),
        words(f"--calibration {SHARED / 'photos'} --size 320x180 --rounds 3"),
        needs="pictures",
    ),
    "gpu": Benchmark("gpu.py", words("--compile"), words("--networks small --rounds 20"), needs="gpu"),
    "gpu_video": Benchmark("gpu_video.py", quick=words("--rounds 10 --frames 30"), needs="gpu"),
    "ablation": Benchmark("ablation.py", quick=None, needs="pictures"),
    "temporal": Benchmark("temporal.py", quick=None, needs="pictures"),
    "ladder": Benchmark("ladder.py", quick=None, needs="pictures"),
    "new_style": Benchmark("new_style.py", quick=None, needs="pictures"),
}


def run(name: str, *, quick: bool) -> bool:
    """Runs one benchmark in a process of its own; says whether it went well or had nothing to run on."""
    benchmark = BENCHMARKS[name]
    if missing := benchmark.missing():
        print(f"== {name}: left out, there is no {missing}", flush=True)
        return True
    arguments = benchmark.quick if quick else benchmark.full
    if arguments is None:
        print(f"== {name}: left out, it trains networks and has no quick form", flush=True)
        return True
    print(f"== {name}", flush=True)
    started = time.monotonic()
    done = subprocess.run([sys.executable, str(HERE / benchmark.script), *arguments], check=False)
    print(
        f"== {name}: {'done' if done.returncode == 0 else 'failed'}, {time.monotonic() - started:.0f} s",
        flush=True,
    )
    return done.returncode == 0


def main() -> None:
    """Runs what is named; the exit code is 1 when something failed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="+", choices=["all", "list", *BENCHMARKS], metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="small pictures, few rounds")
    options = parser.parse_args()
    if "list" in options.names:
        print("\n".join(f"{name:14}{benchmark.script}" for name, benchmark in BENCHMARKS.items()))
        return
    names = list(BENCHMARKS) if "all" in options.names else options.names
    started = time.monotonic()
    failed = [name for name in names if not run(name, quick=options.quick)]
    print(
        f"== {len(names)} benchmarks, {time.monotonic() - started:.0f} s; now: python docs/make_benchmarks.py"
    )
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
