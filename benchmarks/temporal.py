"""What the temporal loss does: one trunk trained with it and one without, judged on frames with known motion.

    python benchmarks/temporal.py [--shared DIR] [--start 600] [--steps 1600] [--weight 4] [--work DIR]

Three styles form for `--start` steps; from that trunk two trainings go on alike, with the same pictures in the same
order, but for the temporal loss. The warping error is that of neighbouring frames: DAVIS clips with estimated motion,
MPI-Sintel pairs with the true one.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

from _harness import SHARED, write
from _short_training import STYLES, Yardstick, train

from artrt.models.training import LossWeights, TrainingOptions, prepare_photographs

BASE = LossWeights(style=1, content=0.1, variation=0.1)
COLUMNS = ("style_loss", "content_loss", "cam_correlation", "ssim", "warping_error")


def main() -> None:
    """Trains both and writes results/temporal.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--start", type=int, default=600, help="steps before the two part")
    parser.add_argument("--steps", type=int, default=1600, help="steps of each")
    parser.add_argument("--weight", type=float, default=4.0)
    parser.add_argument("--crop", type=int, default=160)
    parser.add_argument("--photographs", type=int, default=16)
    parser.add_argument("--work", type=Path, help="keeps the trainings; goes on with those it has")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        measure(options, options.work or Path(scratch))


def measure(options: argparse.Namespace, work: Path) -> None:
    """Trains, judges, writes."""
    start = TrainingOptions(
        paintings={name: options.shared / "styles" / f"{name}.jpg" for name in STYLES},
        photographs=options.shared / "photos",
        weights_directory=options.shared / "weights",
        output=work / "start",
        steps=options.start,
        batch=4,
        crop_px=options.crop,
        losses=BASE,
        ramp_start=options.start,
        ramp_steps=max(1, options.steps // 5),
        sample_steps=10**9,
    )
    photographs = prepare_photographs(start)
    train(start, photographs)
    yardstick = Yardstick(options.shared, photographs=options.photographs, per_clip=4)
    rows = []
    for name, weight in (("without", 0.0), ("with", options.weight)):
        settings = replace(
            start,
            output=work / name,
            steps=options.start + options.steps,
            losses=replace(BASE, temporal=weight),
        )
        scores = yardstick.scores(train(settings, photographs, resume=start.output / "checkpoint.pt"))
        rows.append({"temporal loss": name, "weight": weight} | {key: scores[key] for key in COLUMNS})
    for row in rows:
        row["warping_error / without"] = float(row["warping_error"]) / float(rows[0]["warping_error"])
    write(
        "temporal",
        title=f"The temporal loss for {options.steps} steps after {options.start}: mean of {len(STYLES)} styles",
        rows=rows,
        facts={
            "styles": STYLES,
            "start": options.start,
            "steps": options.steps,
            "base": asdict(BASE),
            "crop_px": options.crop,
            "photographs": options.photographs,
        },
        notes="To be held: a warping error at most 0.75 of that without. Losses better when small; docs/metrics.md "
        "defines them.",
    )


if __name__ == "__main__":
    main()
