"""Builds the effects of the zoo and checks them:  python -m artrt.export.zoo_effects [FOLDER].

Writes `quantize.onnx` and `superpixels.onnx`, each after a check on a picture: every pixel has the nearest colour of
the palette, every region its mean colour.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from ..engine.files import write_bytes
from ..engine.zoo.zoo import SHIPPED, write_manifest
from .effect_parity import effect_parity
from .fuse import spec_of
from .onnx_from_kmeans import onnx_from_kmeans
from .onnx_from_slic import onnx_from_slic
from .parity import Tolerance, require

Array = NDArray[Any]
EXACT = Tolerance(99.0, max_abs=0, agreement=1.0)
BUILDERS: dict[str, Callable[[], onnx.ModelProto]] = {
    "quantize": onnx_from_kmeans,
    "superpixels": onnx_from_slic,
}


def write_effects(folder: Path) -> list[Path]:
    """Writes both stages into a folder.

    Raises:
        ParityError: A stage gives wrong colours; it is not written.
    """
    written = []
    for name, build in BUILDERS.items():
        model = build()
        path = folder / f"{name}.onnx"
        draft = path.with_name(f".{name}.onnx")
        write_bytes(draft, model.SerializeToString())
        try:
            require(effect_parity(draft, spec_of(model), [probe_picture()]), EXACT, what=f"{name}.onnx")
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        written.append(path)
    return written


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
