"""Makes the pictures of docs/painting.md.  python docs/make_painting.py PAINTING.jpg [--weights-dir DIR] [--size 384].

Each term is shown with and without, on the photograph docs/images/astronaut.jpg (NASA, public domain).
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

import artrt
from artrt.models.paint_networks import load_networks
from artrt.models.paint_options import DEFAULT_WEIGHTS, PaintOptions
from artrt.models.painting import paint
from artrt.models.reconstruction import row

IMAGES = Path(__file__).resolve().parent / "images"
LABEL_PX = 26
#: Term -> weight that shows what it does.
TERMS = {"region": DEFAULT_WEIGHTS.region, "edge": 1.0, "shape": 0.5, "color": 20.0}


def labelled(image: np.ndarray, text: str) -> np.ndarray:
    """The picture with a line of text below it."""
    line = np.full((LABEL_PX, image.shape[1], 3), 255, np.uint8)
    cv2.putText(line, text, (4, LABEL_PX - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    return np.vstack([image, line])


def main() -> None:
    """Paints with every term and without any, and writes one row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("painting")
    parser.add_argument("--weights-dir")
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--terms", default=",".join(TERMS), help="those to show")
    arguments = parser.parse_args()
    photo, style = artrt.read_image(IMAGES / "astronaut.jpg"), artrt.read_image(arguments.painting)
    plain = replace(DEFAULT_WEIGHTS, region=0.0)
    shown = {"without": plain}
    for name in arguments.terms.split(","):
        shown[f"{name} {TERMS[name]:g}"] = plain.changed({name: TERMS[name]})
    images = []
    for name, weights in shown.items():
        networks = load_networks(weights, directory=arguments.weights_dir)
        options = PaintOptions(size_px=arguments.size, steps=arguments.steps, weights=weights)
        *_, last = paint(photo, style, options, networks=networks)
        images.append(labelled(last.image, name))
    artrt.write_image(IMAGES / "paint-terms.jpg", row(images))


if __name__ == "__main__":
    main()
