"""One photograph between two styles, and one style at growing strength, as a sheet of pictures.

    python examples/blend_styles.py PHOTO OUT.jpg [STYLE STYLE] [--steps 5] [--width 240]

A style is a vector, so a blend is a weighted sum: the network runs once, whatever the number of styles.
"""

from __future__ import annotations

import argparse

import cv2
import numpy as np

import artrt

# %% Two rows of pictures -----------------------------------------------------------------------------------------


def blends(stylizer: artrt.Stylizer, photo: np.ndarray, first: str, second: str, steps: int) -> np.ndarray:
    """A row from the first style to the second, uint8 [H, steps * W, 3]."""
    row = []
    for share in np.linspace(0, 1, steps):
        parts = {first: 1 - share, second: share}
        stylizer.style = "+".join(f"{name}:{weight:.3f}" for name, weight in parts.items() if weight > 0)
        row.append(stylizer(photo))
    return np.hstack(row)


def strengths(stylizer: artrt.Stylizer, photo: np.ndarray, style: str, steps: int) -> np.ndarray:
    """A row from the photograph to the style, uint8 [H, steps * W, 3]."""
    stylizer.style = style
    row = []
    for strength in np.linspace(0, 1, steps):
        stylizer.strength = float(strength)
        row.append(stylizer(photo))
    return np.hstack(row)


# %% From the command line ------------------------------------------------------------------------------------------


def main() -> None:
    """Writes the sheet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo")
    parser.add_argument("output")
    parser.add_argument("styles", nargs="*", default=["starry-night", "udnie"])
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--width", type=int, default=240)
    options = parser.parse_args()
    first, second = options.styles
    photo = artrt.read_image(options.photo)
    scale = options.width / photo.shape[1]
    photo = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    with artrt.Stylizer(first, steady=False) as stylizer:
        blended = blends(stylizer, photo, first, second, options.steps)
        grown = strengths(stylizer, photo, second, options.steps)
    artrt.write_image(options.output, np.vstack([blended, grown]))
    print(f"{options.output}: {first} to {second}, then {second} at strength 0 to 1")


if __name__ == "__main__":
    main()
