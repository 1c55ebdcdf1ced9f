"""A painting that no training used as a style: at once, by the encoder, and after minutes of `artrt train style`.

    python benchmarks/new_style.py [--minutes 3] [--photographs 16]

Both are vectors for the shipped ONNX stage as it is. docs/images/new-styles.jpg shows the trained ones on photographs
of scikit-image.
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

PAINTINGS = ("the-hay-wain", "plum-park-in-kameido", "bal-du-moulin-de-la-galette")
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "new-styles.jpg"
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee")
COLUMNS = (
    "painted",
    "painted_full",
    "painted_half",
    "painted_quarter",
    "palette",
    "semantic",
    "cam_correlation",
)
AT_ONCE = "at once"
HEIGHT_PX = 320
SHOWN_PX = 220


def main() -> None:
    """Trains, judges, writes results/new_style.{json,md} and the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=3.0, help="time for each vector")
    parser.add_argument("--photographs", type=int, default=16)
    parser.add_argument("--work", type=Path, help="keeps the vectors; goes on with those it has")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        measure({name: trained(name, work, options.minutes) for name in PAINTINGS}, options)


def painting(name: str) -> Path:
    """The picture of a painting."""
    return SHARED / "paintings_large" / f"{name}.jpg"


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
            str(painting(name)),
        ]
        command += ["--name", name, "--minutes", f"{minutes:g}", "-o", str(output)]
        command += ["--photos", str(SHARED / "photos"), "--weights", str(SHARED / "weights")]
        subprocess.run(command, check=True)
    return output


def measure(files: dict[str, Path], options: argparse.Namespace) -> None:
    """Judges both vectors of every painting on the same photographs."""
    photographs = split_held_out(find_photographs(SHARED / "photos"))[1][: options.photographs]
    ways = {(name, AT_ONCE): painting(name) for name in files}
    ways |= {(name, f"{options.minutes:g} minutes"): file for name, file in files.items()}
    keys = {f"{name}, {way}": (name, way) for name, way in ways}
    with artrt.Stylizer(provider="cpu", steady=False) as stylizer:

        def paint(image: Image, key: str) -> Image:
            stylizer.style = str(ways[keys[key]])
            return stylizer(image)

        pictures = {key: painting(name) for key, (name, _) in keys.items()}
        judge = Judge.load(weights=SHARED / "weights")
        scores = mean_scores(evaluate(paint, photographs, pictures, judge=judge))
        show(paint, [key for key, (_, way) in keys.items() if way != AT_ONCE])
    rows = [
        {"style": name, "trained": way} | {column: round(scores[key][column], 3) for column in COLUMNS}
        for key, (name, way) in sorted(keys.items())
    ]
    write(
        "new_style",
        title="Paintings that no training used: at once, and after minutes of training",
        rows=rows,
        facts={"minutes": options.minutes, "photographs": len(photographs)},
        notes="On held-out photographs; docs/metrics.md defines each column. Minutes are those of the machine named "
        "below.",
    )


def show(paint, styles: list[str]) -> None:
    """Each new style in a row of photographs."""
    from skimage import data

    rows = []
    for name in styles:
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
