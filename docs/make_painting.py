"""Makes the pictures of docs/painting.md.

    python docs/make_painting.py terms PAINTING.jpg [--weights-dir DIR] [--size 384] [--steps 200]
    python docs/make_painting.py pictures FOLDER [--weights-dir DIR] [--size 512] [--steps 200]
    python docs/make_painting.py beside FOLDER [--weights-dir DIR] [--size 512] [--steps 200]

`terms`: each term with and without, on docs/images/astronaut.jpg (NASA, public domain), and below it its loss without
and with it. `pictures`: photographs of scikit-image (public domain) painted by the shipped network and by `artrt paint
--match`, in paintings that lie in FOLDER. `beside`: README's one of them, large, the network's to the left.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from skimage import data
from torch import Tensor

import artrt
from artrt.models.painting.networks import load_networks
from artrt.models.painting.objective import LossWeights, Networks, picture_terms
from artrt.models.painting.options import DEFAULT_WEIGHTS, PaintOptions
from artrt.models.painting.painting import PaintProgress, paint
from artrt.models.painting.reconstruction import row
from artrt.models.tensors import resized, tensor_from_image

IMAGES = Path(__file__).resolve().parent / "images"
LABEL_PX = 26
#: Term -> weight that shows what it does.
TERMS = {"region": DEFAULT_WEIGHTS.region, "edge": 1.0, "shape": 0.5, "color": 20.0}
PLAIN = replace(DEFAULT_WEIGHTS, region=0.0)
MATCHED = replace(DEFAULT_WEIGHTS, match=1.0)
#: Photographs of scikit-image, and what they are painted in.
PICTURES = (
    ("chelsea", "starry-night"), ("astronaut", "the-scream"), ("chelsea", "composition-vii"),
    ("astronaut", "great-wave"),
)  # fmt: skip
HEIGHT_PX, GAP_PX = 256, 8
#: Width of README's picture of one of them.
BESIDE_PX = 1000


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


def terms(asked: argparse.Namespace) -> None:
    """Paints with every term and without any, and writes one row."""
    photo, style = artrt.read_image(IMAGES / "astronaut.jpg"), artrt.read_image(asked.source)
    networks = load_networks(PLAIN.changed(dict(TERMS)), directory=asked.weights_dir)

    def painted(weights: LossWeights) -> PaintProgress:
        options = PaintOptions(size_px=asked.size or 384, steps=asked.steps, weights=weights)
        *_, last = paint(photo, style, options, networks=networks)
        return last

    plain = painted(PLAIN)
    before = lost(plain.state.pixels, photo, networks)
    images = [labelled(plain.image, "without")]
    for name in asked.terms.split(","):
        last = painted(PLAIN.changed({name: TERMS[name]}))
        after = lost(last.state.pixels, photo, networks)[name]
        images.append(labelled(last.image, f"{name} {TERMS[name]:g}: {before[name]:.2g} -> {after:.2g}"))
    artrt.write_image(IMAGES / "paint-terms.jpg", row(images))


def pictures(asked: argparse.Namespace) -> None:
    """Paints four pictures, the shipped network's above, and writes them at half their size."""
    columns = []
    for name, style in PICTURES:
        photo, slow = photograph(name), matched(asked, name, style)
        with artrt.Stylizer(style) as stylizer:
            fast = stylizer(as_high(photo))
        slow = cv2.resize(slow, fast.shape[1::-1], interpolation=cv2.INTER_AREA)
        gap = np.full((GAP_PX, fast.shape[1], 3), 255, np.uint8)
        columns.append(np.vstack([fast, gap, slow]))
    artrt.write_image(IMAGES / "paint-pictures.jpg", row(columns))


def beside(asked: argparse.Namespace) -> None:
    """Paints the first picture, and writes it to the right of the shipped network's."""
    name, style = PICTURES[0]
    slow = matched(asked, name, style)
    with artrt.Stylizer(style) as stylizer:
        fast = stylizer(cv2.resize(photograph(name), slow.shape[1::-1], interpolation=cv2.INTER_AREA))
    both = np.hstack([fast, np.full((len(slow), GAP_PX, 3), 255, np.uint8), slow])
    height = round(len(both) * BESIDE_PX / both.shape[1])
    both = cv2.resize(both, (BESIDE_PX, height), interpolation=cv2.INTER_CUBIC)
    artrt.write_image(IMAGES / "paint-beside.jpg", both)


def photograph(name: str) -> np.ndarray:
    """A photograph of scikit-image, BGR."""
    return np.ascontiguousarray(getattr(data, name)()[:, :, ::-1])


def matched(asked: argparse.Namespace, name: str, style: str) -> np.ndarray:
    """A photograph painted by `artrt paint --match`."""
    networks = load_networks(MATCHED, directory=asked.weights_dir)
    options = PaintOptions(size_px=asked.size or 512, steps=asked.steps, weights=MATCHED)
    painting = artrt.read_image(Path(asked.source, f"{style}.jpg"))
    *_, last = paint(photograph(name), painting, options, networks=networks)
    if asked.keep:
        artrt.write_image(Path(asked.keep, f"{name}-{style}.png"), last.image)
    return last.image


def as_high(image: np.ndarray) -> np.ndarray:
    """The picture `HEIGHT_PX` high."""
    width = round(image.shape[1] * HEIGHT_PX / image.shape[0])
    return cv2.resize(image, (width, HEIGHT_PX), interpolation=cv2.INTER_AREA)


def main() -> None:
    """Makes what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=["terms", "pictures", "beside"])
    parser.add_argument("source", help="a painting, or the folder of paintings")
    parser.add_argument("--weights-dir")
    parser.add_argument("--size", type=int)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--terms", default=",".join(TERMS), help="those to show")
    parser.add_argument("--keep", help="folder for the pictures at full size")
    asked = parser.parse_args()
    {"terms": terms, "pictures": pictures, "beside": beside}[asked.part](asked)


if __name__ == "__main__":
    main()
