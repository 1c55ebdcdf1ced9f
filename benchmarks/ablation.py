"""Each loss term off and on: three styles, trained on from one trunk, judged on held-out photographs.

    python benchmarks/ablation.py [--shared DIR] [--start 500] [--steps 250] [--work DIR]

A trunk is trained with style and content loss until its styles have formed, by the cheap loss network; from there
every variant trains on for the same steps with the same pictures, one term more. docs/images/ablation.jpg shows one of
scikit-image's photographs by every variant.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import numpy as np
from _harness import SHARED, write
from _short_training import STYLES, Trained, Yardstick, train

from artrt.models.training import LossWeights, TrainingOptions, prepare_photographs

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "ablation.jpg"
BASE = LossWeights(style=1, content=0.1, variation=0.1)
VARIANTS: dict[str, dict[str, float]] = {
    "none": {},
    "CAM": {"cam": 0.25},
    "category": {"category": 0.01},
    "region (both)": {"cam": 0.25, "category": 0.01},
    "edge": {"edge": 0.1},
    "shape": {"shape": 0.3},
    "colour": {"color": 10.0},
    "temporal": {"temporal": 4.0},
}
COLUMNS = (
    "style_loss",
    "content_loss",
    "cam_correlation",
    "cam_iou",
    "top1_kept",
    "edge_f1",
    "ssim",
    "warping_error",
)
PHOTOGRAPH = "chelsea"


def main() -> None:
    """Trains every variant and writes results/ablation.{json,md} and the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--start", type=int, default=500, help="steps before the variants part")
    parser.add_argument("--steps", type=int, default=250, help="steps of every variant")
    parser.add_argument("--crop", type=int, default=160)
    parser.add_argument("--photographs", type=int, default=24)
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
    yardstick = Yardstick(options.shared, photographs=options.photographs)
    rows, pictures = [], {}
    for name, terms in VARIANTS.items():
        variant = replace(
            start,
            output=work / name.split()[0].lower(),
            loss_network="compact",
            steps=options.start + options.steps,
            losses=replace(BASE, **terms),
        )
        trained = train(variant, photographs, resume=start.output / "checkpoint.pt")
        scores = yardstick.scores(trained)
        weights = ", ".join(f"{term} {weight:g}" for term, weight in terms.items())
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
