"""One photograph at four sizes: do strokes cover the same share of the picture?

    python benchmarks/stroke_sizes.py [--heights 360,720,1080,2160] [--picture docs/images/stroke-sizes.jpg]

Every painting is reduced to a short side of 384 pixels and judged there by the yardstick of `artrt eval`. The
photograph is the one that ships, enlarged where that is asked for: what changes is the frame's size alone. Paintings
and weights come from $ARTRT_SHARED, or ../shared/data beside the repository.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from _harness import SHARED, write

import artrt
from artrt.engine.frame import Image, read_image, write_image
from artrt.engine.sources.scene import PHOTO
from artrt.models.evaluation.judge import Judge

STYLES = ("starry-night", "the-scream", "udnie", "composition-vii")
JUDGED_PX, SHOWN_PX, LONG_SIDE_PX = 384, 256, 512


def main() -> None:
    """Paints, judges, and writes the table and the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--heights", default="360,720,1080,2160")
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    heights = [int(height) for height in options.heights.split(",")]
    photographs = {height: scaled(read_image(PHOTO), height) for height in heights}
    judge, reference = Judge.load(weights=SHARED / "weights"), scaled(read_image(PHOTO), JUDGED_PX)
    seen, rows, shown = judge.look(reference), [], []
    for style in STYLES:
        target = judge.style(SHARED / "styles" / f"{style}.jpg", long_side_px=LONG_SIDE_PX)
        with artrt.Stylizer(style, provider="cpu") as stylizer:
            paintings = {height: stylizer(photo) for height, photo in photographs.items()}
        judged = {
            height: judge.score(reference, scaled(painting, JUDGED_PX), target, seen=seen)["painted"]
            for height, painting in paintings.items()
        }
        spread = max(judged.values()) - min(judged.values())
        rows.append(
            {"style": style}
            | {f"painted at {height}p": round(value, 3) for height, value in judged.items()}
            | {"spread": round(spread, 3)}
        )
        shown.append(np.hstack([scaled(painting, SHOWN_PX) for painting in paintings.values()]))
    write(
        "stroke_sizes",
        title="Strokes at four sizes of one photograph",
        rows=rows,
        notes=f"The shipped photograph at these heights, painted at stroke 1, judged when reduced to {JUDGED_PX} px.",
    )
    if options.picture:
        write_image(options.picture, np.vstack(shown))


def scaled(image: Image, height: int) -> Image:
    """A picture brought to a height in pixels."""
    width = round(image.shape[1] * height / image.shape[0])
    shrinks = height < image.shape[0]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LANCZOS4
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.uint8)


if __name__ == "__main__":
    main()
