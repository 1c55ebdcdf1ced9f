"""Compares an engine with its ONNX model on a real picture, on the machine that will run it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray

from ..engine.frame import Image
from ..engine.sessions import open_session
from ..engine.sessions.probe import probe_feeds
from .fuse import FRAME, spec_of
from .parity import Parity, Tolerance, compare, require

# Labels of k-means and SLIC can differ where two are equally near, so there is no limit for single values.
TOLERANCES = {"fp32": Tolerance(40.0), "fp16": Tolerance(40.0), "int8": Tolerance(30.0)}


def check_engine(
    plan: Path,
    model: onnx.ModelProto,
    picture: Image | None,
    *,
    size: tuple[int, int],
    precision: str,
    style: NDArray[np.float32] | None = None,
) -> Parity:
    """Runs engine and model on one picture, the model on the CPU.

    Args:
        plan: The engine; its sidecar is in the same folder.
        model: The ONNX model that it was built from.
        picture: uint8 [H, W, 3] BGR, scaled to `size`; None uses the test pattern of the probe.
        size: (height, width) in pixels.
        precision: "fp32", "fp16" or "int8".
        style: float32 [D], for models with a style.

    Raises:
        ParityError: The results differ; the engine must not be used.
        ProviderError: The engine does not run here.
    """
    spec = spec_of(model)
    with tempfile.TemporaryDirectory(prefix="artrt-engine-") as scratch:
        path = Path(scratch) / "model.onnx"
        path.write_bytes(model.SerializeToString())
        with open_session(path, provider="cpu") as original:
            feeds = probe_feeds(original, size=size)
            if picture is not None:
                frame = cv2.resize(picture, (size[1], size[0]), interpolation=cv2.INTER_AREA)
                feeds[FRAME] = np.broadcast_to(frame, (*feeds[FRAME].shape[:-3], *frame.shape)).copy()
            if style is not None and "style" in feeds:
                feeds["style"] = style
            expected = _bytes(original.run(feeds, [spec.output])[spec.output])
    with open_session(plan, provider="tensorrt", size=size) as engine:
        got = _bytes(engine.run(feeds, [spec.output])[spec.output])
    measured = compare([(expected, got)])
    require(measured, TOLERANCES[precision], what=f"the engine of {spec.name}")
    return measured


def _bytes(result: NDArray[Any]) -> Image:
    """A picture unchanged, a mask in levels 0 to 255."""
    if result.dtype == np.uint8:
        return result
    return np.asarray(np.round(result * 255).clip(0, 255), np.uint8)
