"""What the temporal loss does: one trunk trained with it and one without, judged on frames with known motion.

    python benchmarks/temporal.py [--shared DIR] [--start 600] [--steps 1600] [--weight 0.3] [--work DIR]

Three styles form for `--start` steps; from that trunk two trainings go on alike, with the same pictures in the same
order, but for the temporal loss. The warping error is that of neighbouring frames: DAVIS clips with estimated motion,
MPI-Sintel pairs with the true one.
"""

from __future__ import annotations

from dataclasses import asdict

from _harness import write
from _short_training import BASE, STYLES, Yardstick, parser, variants, work_folder

COLUMNS = ("painted", "semantic", "cam_correlation", "ssim", "warping_error")


def main() -> None:
    """Trains both, judges them and writes results/temporal.{json,md}."""
    known = parser(__doc__, photographs=16)
    known.add_argument("--start", type=int, default=600, help="steps before the two part")
    known.add_argument("--steps", type=int, default=1600, help="steps of each")
    known.add_argument("--weight", type=float, default=0.3)
    options = known.parse_args()
    yardstick = Yardstick(options.shared, photographs=options.photographs, per_clip=4)
    terms = {"without": {"temporal": 0.0}, "with": {"temporal": options.weight}}
    rows = []
    with work_folder(options.work) as work:
        for name, trained in variants(options, work, terms, loss_network="compact-encoder"):
            scores = yardstick.scores(trained)
            rows.append({"temporal loss": name, "weight": terms[name]["temporal"]})
            rows[-1] |= {key: scores[key] for key in COLUMNS}
    for row in rows:
        row["warping_error / without"] = row["warping_error"] / rows[0]["warping_error"]
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
