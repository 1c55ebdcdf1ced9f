"""What `artrt eval` says of every shipped style, on photographs that no training saw.

    python benchmarks/evaluation.py [--limit 64] [--frames DIR] [--fps-size 1280x720]

Photographs, paintings, frames with true motion and the judge's weights come from $ARTRT_SHARED, or ../shared/data
beside the repository. docs/metrics.md defines each column.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from _harness import SHARED, write

COLUMNS = (
    "painted",
    "painted_full",
    "painted_half",
    "painted_quarter",
    "palette",
    "semantic",
    "covariance_relu4_1",
    "covariance_relu5_1",
    "cam_correlation",
    "cam_iou",
    "top1_kept",
    "saliency_iou",
    "ssim",
    "edge_f1",
)


def report(options: argparse.Namespace) -> dict[str, Any]:
    """The JSON of the command."""
    words = ["eval", "--style", "all", "--provider", "cpu", "--fps-size", options.fps_size, "--json"]
    for name, folder in (("photos", "photos"), ("paintings", "styles"), ("weights", "weights")):
        words += [f"--{name}", str(SHARED / folder)]
    words += ["--frames", str(options.frames)] if options.frames.is_dir() else []
    words += ["--limit", str(options.limit)] if options.limit else []
    command = [sys.executable, "-m", "artrt.cli.main", *words]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def main() -> None:
    """Measures and writes benchmarks/results/evaluation.json."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--limit", type=int, help="Photographs at most.")
    parser.add_argument("--frames", type=Path, default=SHARED / "flow")
    parser.add_argument("--fps-size", default="1280x720")
    options = parser.parse_args()
    found = report(options)
    warping = found.get("warping_error", {})
    rows = []
    for style, scores in [*found["styles"].items(), ("mean", found["mean"])]:
        row = {"style": style} | {name: rounded(scores[name]) for name in COLUMNS if name in scores}
        rows.append(row | ({"warping_error": rounded(warping[style])} if warping else {}))
    photographs = found["settings"]["photographs"]
    facts = {name: found[name] for name in ("settings", "fps", "parameters", "macs", "width", "height")}
    facts |= {"warping_error_of_the_frames_themselves": warping.get("frames_themselves")}
    notes = (
        "By `artrt eval`; docs/metrics.md defines each column. Errors are better when small, the rest when "
        f"large. The network: {found['parameters'] / 1e3:.0f} thousand parameters, {found['macs'] / 1e9:.2f} "
        f"billion multiply-accumulate operations and {found['fps']:.3g} frames/s at {found['width']}x"
        f"{found['height']}."
    )
    title = f"The shipped styles on {photographs} photographs that no training saw"
    write("evaluation", title=title, rows=rows, facts=facts, notes=notes)


def rounded(value: float) -> float:
    """Four digits that mean something."""
    return float(f"{value:.4g}")


if __name__ == "__main__":
    main()
