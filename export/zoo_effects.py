"""Builds the effects of the zoo and checks them:  python -m artrt.export.zoo_effects [FOLDER].

Writes `quantize.onnx` and `superpixels.onnx`, each after it was run on a picture and found to do what it says: every
pixel has the nearest colour of the palette, every region its mean colour.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from ..engine.errors import ParityError
from ..engine.files import write_bytes
from ..engine.sessions import open_session
from ..engine.stage_spec import StageSpec, state_input, state_output
from ..engine.zoo import SHIPPED, write_manifest
from .fuse import spec_of
from .onnx_from_kmeans import onnx_from_kmeans
from .onnx_from_slic import LABELS, onnx_from_slic

Array = NDArray[Any]
BUILDERS: dict[str, Callable[[], onnx.ModelProto]] = {
    "quantize": onnx_from_kmeans,
    "superpixels": onnx_from_slic,
}


def write_effects(folder: Path) -> list[Path]:
    """Writes both stages into a folder.

    Raises:
        ParityError: A stage does not do what it says; nothing of it is written.
    """
    written = []
    for name, build in BUILDERS.items():
        model = build()
        path = folder / f"{name}.onnx"
        draft = path.with_name(f".{name}.onnx")
        write_bytes(draft, model.SerializeToString())
        try:
            check_effect(draft, spec_of(model), probe_picture())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        written.append(path)
    return written


def check_effect(path: Path, spec: StageSpec, picture: Array) -> None:
    """Runs a stage on one picture and checks its result.

    Raises:
        ParityError: See `write_effects`.
    """
    with open_session(path, provider="cpu") as session:
        results = session.run(fresh_feeds(spec, picture))
    fault = colors_fault(picture, results) if spec.name == "quantize" else regions_fault(picture, results)
    if fault:
        raise ParityError(f"{spec.name}: {fault}; nothing was written")


def fresh_feeds(spec: StageSpec, picture: Array) -> dict[str, Array]:
    """Inputs of a stage for its first frame, all controls at their defaults."""
    controls = {name: control.default_array() for name, control in spec.controls.items()}
    shapes = spec.state_shapes(*picture.shape[:2])
    states = {state_input(name): np.zeros(shape, np.float32) for name, shape in shapes.items()}
    return {"frame": picture} | controls | states


def colors_fault(picture: Array, results: Mapping[str, Array]) -> str:
    """What is wrong with a quantized picture; empty when nothing is."""
    count = int(results[state_output("palette_summary")][0])
    palette = np.round(results[state_output("palette")][:count].astype(np.float64))
    pixels, painted = (image.reshape(-1, 3).astype(np.float64) for image in (picture, results["output"]))
    nearest = np.square(pixels[:, None] - palette).sum(-1).min(1)
    wrong = int((np.square(pixels - painted).sum(-1) != nearest).sum())
    return f"{wrong} of {len(pixels)} pixels have not their nearest colour" if wrong else ""


def regions_fault(picture: Array, results: Mapping[str, Array]) -> str:
    """What is wrong with superpixels; empty when nothing is."""
    labels = results[LABELS].reshape(-1)
    counts = np.maximum(np.bincount(labels), 1)
    for channel in range(3):
        means = np.bincount(labels, picture[..., channel].reshape(-1).astype(np.float64)) / counts
        difference = np.abs(means[labels] - results["output"][..., channel].reshape(-1)).max()
        if difference > 0.51:
            return f"a region is {difference:.2f} levels off its mean colour"
    return ""


def probe_picture() -> Array:
    """A picture with gradients, edges and noise, uint8 [180, 240, 3]."""
    y, x = np.mgrid[0:180, 0:240].astype(np.float64)
    planes = [np.sin(x / 17 + y / 41), np.cos(x / 29 - y / 13), np.sign(np.sin(x / 40) * np.cos(y / 31))]
    noise = np.random.default_rng(0).normal(scale=6, size=(180, 240, 3))
    picture: Array = (np.dstack(planes) * 100 + 128 + noise).clip(0, 255).round().astype(np.uint8)
    return picture


def main(arguments: list[str]) -> None:
    """Writes the effects and the manifest of the given folder, or of the shipped zoo.

    Args:
        arguments: At most one folder.
    """
    folder = Path(arguments[0]) if arguments else SHIPPED
    for path in write_effects(folder):
        sys.stdout.write(f"{path}  {path.stat().st_size} bytes\n")
    sys.stdout.write(f"{write_manifest(folder)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
