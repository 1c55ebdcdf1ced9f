"""Each loss term off and on: three styles, trained on from one trunk, judged on held-out photographs.

    python benchmarks/ablation.py [--shared DIR] [--start 500] [--steps 250] [--work DIR]

A trunk is trained with style and content loss until its styles have formed, by the cheap loss network; from there
every variant trains on for the same steps with the same pictures, one term more. docs/images/ablation.jpg shows one of
scikit-image's photographs by every variant.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
from _harness import write
from _short_training import BASE, STYLES, Trained, Yardstick, parser, variants, work_folder

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "ablation.jpg"
VARIANTS: dict[str, dict[str, float]] = {
    "none": {},
    "CAM": {"cam": 0.25},
    "category": {"category": 0.01},
    "region (both)": {"cam": 0.25, "category": 0.01},
    "edge": {"edge": 0.1},
    "shape": {"shape": 0.3},
    "colour": {"color": 10.0},
    "temporal": {"temporal": 0.3},
}
COLUMNS = (
    "painted",
    "semantic",
    "cam_correlation",
    "cam_iou",
    "top1_kept",
    "edge_f1",
    "ssim",
    "warping_error",
)
PHOTOGRAPH = "chelsea"


def main() -> None:
    """Trains every variant, judges it and writes results/ablation.{json,md} and the picture."""
    known = parser(__doc__, photographs=24)
    known.add_argument("--start", type=int, default=500, help="steps before the variants part")
    known.add_argument("--steps", type=int, default=250, help="steps of every variant")
    options = known.parse_args()
    yardstick = Yardstick(options.shared, photographs=options.photographs)
    rows, pictures = [], {}
    with work_folder(options.work) as work:
        for name, trained in variants(options, work, VARIANTS, loss_network="compact"):
            scores = yardstick.scores(trained)
            weights = ", ".join(f"{term} {weight:g}" for term, weight in VARIANTS[name].items())
            rows.append({"term": name, "weight": weights or None} | {key: scores[key] for key in COLUMNS})
            pictures[name] = painted(trained)
    write_picture(pictures)
    facts = {"styles": STYLES, "start": options.start, "steps": options.steps, "base": asdict(BASE)}
    write(
        "ablation",
        title=f"One loss term more, for {options.steps} steps after {options.start}: mean of {len(STYLES)} styles",
        rows=rows,
        facts=facts | {"crop_px": options.crop, "photographs": options.photographs},
        notes="Losses better when small, the rest when large but for the warping error; docs/metrics.md defines them. "
        "All variants go on from the same trunk with the same pictures in the same order.",
    )


def painted(trained: Trained) -> np.ndarray:
    """The photograph in the first style, uint8 [H, W, 3], BGR."""
    from skimage import data

    image = cv2.cvtColor(getattr(data, PHOTOGRAPH)(), cv2.COLOR_RGB2BGR)
    image = cv2.resize(image[:, 60:-60], (264, 240), interpolation=cv2.INTER_AREA)
    return trained(image, STYLES[0])


def write_picture(pictures: dict[str, np.ndarray]) -> None:
    """All variants in two rows, named."""
    cells = []
    for name, image in pictures.items():
        band = np.full((24, image.shape[1], 3), 255, np.uint8)
        cv2.putText(band, name, (4, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
        cells.append(
            cv2.copyMakeBorder(np.vstack([band, image]), 0, 4, 0, 4, cv2.BORDER_CONSTANT, value=(255,) * 3)
        )
    half = (len(cells) + 1) // 2
    rows = [np.hstack(cells[:half]), np.hstack(cells[half:])]
    cv2.imwrite(str(PICTURE), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 84])


if __name__ == "__main__":
    main()
