"""A style that the trunk never saw, trained in minutes: its losses beside those of the styles trained with the trunk.

    python benchmarks/new_style.py [--minutes 5] [--photographs 16]

`artrt train style` learns the vectors of two paintings that are not in the zoo; both run in the shipped ONNX stage as
it is. docs/images/new-styles.jpg shows them on scikit-image's photographs.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from _harness import SHARED, write

import artrt
from artrt.engine.frame import Image
from artrt.models.evaluation.judge import Judge, evaluate, mean_scores
from artrt.models.photos import find_photographs, split_held_out

PAINTINGS = ("irises", "blue-dancers")
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "new-styles.jpg"
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee")
COLUMNS = ("painted", "palette", "semantic", "cam_correlation", "cam_iou", "top1_kept", "ssim", "edge_f1")
HEIGHT_PX = 320
SHOWN_PX = 220


def main() -> None:
    """Trains, judges, writes results/new_style.{json,md} and the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0, help="time for each vector")
    parser.add_argument("--photographs", type=int, default=16)
    parser.add_argument("--work", type=Path, help="keeps the vectors; goes on with those it has")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        measure({name: trained(name, work, options.minutes) for name in PAINTINGS}, options)


def trained(name: str, work: Path, minutes: float) -> Path:
    """The style file of a painting, by the command that a user types."""
    output = work / f"{name}.safetensors"
    if not output.is_file():
        command = [
            sys.executable,
            "-m",
            "artrt.cli.main",
            "train",
            "style",
            str(SHARED / f"styles/{name}.jpg"),
        ]
        command += ["--name", name, "--minutes", f"{minutes:g}", "-o", str(output)]
        command += ["--photos", str(SHARED / "photos"), "--weights", str(SHARED / "weights")]
        subprocess.run(command, check=True)
    return output


def measure(files: dict[str, Path], options: argparse.Namespace) -> None:
    """Judges the new styles and the shipped ones on the same photographs."""
    joint = artrt.Zoo().styles()
    photographs = split_held_out(find_photographs(SHARED / "photos"))[1][: options.photographs]
    pictures = {name: SHARED / "styles" / f"{name}.jpg" for name in (*files, *joint)}
    with artrt.Stylizer(joint[0], provider="cpu", steady=False) as stylizer:

        def paint(image: Image, style: str) -> Image:
            stylizer.style = str(files.get(style, style))
            return stylizer(image)

        scores = mean_scores(
            evaluate(paint, photographs, pictures, judge=Judge.load(weights=SHARED / "weights"))
        )
        show(paint, files)
    means = {key: float(np.mean([scores[name][key] for name in joint])) for key in COLUMNS}
    rows = [{"style": name, "trained": f"{options.minutes:g} minutes, vector only"} for name in files]
    rows = [row | {key: round(scores[row["style"]][key], 4) for key in COLUMNS} for row in rows]
    rows.append(
        {"style": f"mean of {len(joint)} shipped", "trained": "with the trunk"}
        | {key: round(value, 4) for key, value in means.items()}
    )
    write(
        "new_style",
        title="A new style in minutes, beside the styles that were trained with the trunk",
        rows=rows,
        facts={"minutes": options.minutes, "photographs": len(photographs)},
        notes="On held-out photographs; docs/metrics.md defines each column. Losses are better when small, the rest "
        "when large. Minutes are those of the machine named below.",
    )


def show(paint, files: dict[str, Path]) -> None:
    """Each new style in a row of photographs."""
    from skimage import data

    rows = []
    for name in files:
        cells = []
        for photograph in PHOTOGRAPHS:
            image = cv2.cvtColor(getattr(data, photograph)(), cv2.COLOR_RGB2BGR)
            scale = HEIGHT_PX / image.shape[0]
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            shown = cv2.resize(paint(image, name), None, fx=SHOWN_PX / HEIGHT_PX, fy=SHOWN_PX / HEIGHT_PX)
            cells.append(cv2.copyMakeBorder(shown, 0, 4, 0, 4, cv2.BORDER_CONSTANT, value=(255,) * 3))
        rows.append(np.hstack(cells))
    cv2.imwrite(str(PICTURE), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 84])


if __name__ == "__main__":
    main()
