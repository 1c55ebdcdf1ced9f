"""Checks an effect: every pixel has the nearest colour of the palette, every region its mean colour.

There is no PyTorch original to compare with. The expected result is computed in float64 from the result's own palette
or labels. If two colours are equally near, both are correct.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine.frame import Image
from ..engine.sessions import open_session
from ..engine.stage_spec import StageSpec, state_input, state_output
from .onnx_from_slic import LABELS
from .parity import Parity, Tolerance, compare

Array = NDArray[Any]
TOLERANCE = Tolerance(45.0, agreement=0.995)
ROWS = 32
"""Rows of a picture that are compared with all colours in one block."""


def effect_parity(path: Path, spec: StageSpec, pictures: Iterable[Image]) -> Parity:
    """Runs an effect on the first frame of every picture.

    Args:
        path: The stage, of free size.
        spec: Its contract.
        pictures: uint8 [H, W, 3] BGR each.
    """
    pairs, agreements = [], []
    with open_session(path, provider="cpu") as session:
        for picture in pictures:
            results = session.run(fresh_feeds(spec, picture))
            expected = EXPECTED[spec.name](picture, results)
            pairs.append((expected, results[spec.output]))
            agreements.append(float((expected == results[spec.output]).all(-1).mean()))
    measured = compare(pairs)
    return Parity(measured.max_abs, measured.psnr_db, measured.pictures, agreement=round(min(agreements), 6))


def fresh_feeds(spec: StageSpec, picture: Array) -> dict[str, Array]:
    """Inputs of a stage for its first frame, with default controls."""
    controls = {name: control.default_array() for name, control in spec.controls.items()}
    shapes = spec.state_shapes(*picture.shape[:2])
    states = {state_input(name): np.zeros(shape, np.float32) for name, shape in shapes.items()}
    return {"frame": picture} | controls | states


def nearest_colors(picture: Image, results: Mapping[str, Array]) -> Image:
    """The expected result of `quantize` for its palette."""
    count = int(results[state_output("palette_summary")][0])
    palette = np.round(results[state_output("palette")][:count].astype(np.float64))
    painted = results["output"]
    expected: Image = painted.copy()
    for top in range(0, len(picture), ROWS):
        rows = slice(top, top + ROWS)
        pixels = picture[rows].astype(np.float64)
        distances = np.square(pixels[:, :, None] - palette).sum(-1)
        wrong = np.square(pixels - painted[rows]).sum(-1) > distances.min(-1)
        expected[rows][wrong] = palette[distances.argmin(-1)][wrong].astype(np.uint8)
    return expected


def mean_colors(picture: Image, results: Mapping[str, Array]) -> Image:
    """The expected result of `superpixels` for its regions."""
    labels, painted = results[LABELS], results["output"]
    counts = np.maximum(np.bincount(labels.reshape(-1)), 1)
    expected: Image = painted.copy()
    for channel in range(3):
        means = np.bincount(labels.reshape(-1), picture[..., channel].reshape(-1).astype(np.float64)) / counts
        wrong = np.abs(means[labels] - painted[..., channel]) > 0.51
        expected[..., channel][wrong] = np.round(means[labels])[wrong].astype(np.uint8)
    return expected


EXPECTED: dict[str, Callable[[Image, Mapping[str, Array]], Image]] = {
    "quantize": nearest_colors,
    "superpixels": mean_colors,
}
