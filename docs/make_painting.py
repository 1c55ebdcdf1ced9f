"""Makes the pictures of docs/painting.md.  python docs/make_painting.py PAINTING.jpg [--weights-dir DIR] [--size 384].

Each term is shown with and without, on the photograph docs/images/astronaut.jpg (NASA, public domain), and below it its
loss without and with it.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from torch import Tensor

import artrt
from artrt.models.objective import LossWeights, Networks, picture_terms
from artrt.models.paint_networks import load_networks
from artrt.models.paint_options import DEFAULT_WEIGHTS, PaintOptions
from artrt.models.painting import PaintProgress, paint
from artrt.models.reconstruction import row
from artrt.models.tensors import resized, tensor_from_image

IMAGES = Path(__file__).resolve().parent / "images"
LABEL_PX = 26
#: Term -> weight that shows what it does.
TERMS = {"region": DEFAULT_WEIGHTS.region, "edge": 1.0, "shape": 0.5, "color": 20.0}
PLAIN = replace(DEFAULT_WEIGHTS, region=0.0)


def labelled(image: np.ndarray, text: str) -> np.ndarray:
    """The picture with a line of text below it."""
    line = np.full((LABEL_PX, image.shape[1], 3), 255, np.uint8)
    cv2.putText(line, text, (4, LABEL_PX - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    return np.vstack([image, line])


def lost(pixels: Tensor, photo: np.ndarray, networks: Networks) -> dict[str, float]:
    """The loss of every term for one painting, float [1, 3, H, W] in RGB."""
    height, width = pixels.shape[2:]
    content = resized(tensor_from_image(photo), (height, width)).clamp(0, 1)
    terms = picture_terms(networks, content, PLAIN.changed(dict(TERMS)))
    return {name: float(terms[name](pixels.clamp(0, 1))) for name in TERMS}


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
    networks = load_networks(PLAIN.changed(dict(TERMS)), directory=arguments.weights_dir)

    def painted(weights: LossWeights) -> PaintProgress:
        options = PaintOptions(size_px=arguments.size, steps=arguments.steps, weights=weights)
        *_, last = paint(photo, style, options, networks=networks)
        return last

    plain = painted(PLAIN)
    before = lost(plain.state.pixels, photo, networks)
    images = [labelled(plain.image, "without")]
    for name in arguments.terms.split(","):
        last = painted(PLAIN.changed({name: TERMS[name]}))
        after = lost(last.state.pixels, photo, networks)[name]
        images.append(labelled(last.image, f"{name} {TERMS[name]:g}: {before[name]:.2g} -> {after:.2g}"))
    artrt.write_image(IMAGES / "paint-terms.jpg", row(images))


if __name__ == "__main__":
    main()
