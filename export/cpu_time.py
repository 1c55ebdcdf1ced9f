"""Compares the speed of two stages on this machine's CPU, to decide whether a precision is worth its loss."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from ..engine.frame import Image
from .transformer_parity import cpu_stage

ROUNDS = 5


def relative_cpu_time(
    model: onnx.ModelProto,
    usual: onnx.ModelProto,
    picture: Image,
    style: NDArray[np.float32],
    *,
    folder: Path,
) -> float:
    """The median time per frame, relative to `usual`; both run in alternation, after one warm-up round.

    Args:
        model: A `stylize` stage of free size.
        usual: The same stage in float32.
        picture: uint8 [H, W, 3] BGR.
        style: float32 [D].
        folder: A temporary folder.
    """
    seconds: list[list[float]] = [[], []]
    with cpu_stage(model, folder) as first, cpu_stage(usual, folder) as second:
        for turn in range(-1, ROUNDS):
            for stage, times in zip((first, second), seconds, strict=True):
                started = time.perf_counter()
                stage(picture, style=style)
                if turn >= 0:
                    times.append(time.perf_counter() - started)
    return round(statistics.median(seconds[0]) / statistics.median(seconds[1]), 2)


def verdict(precision: str, ratio: float) -> str:
    """One line that says what the ratio means for this machine."""
    if ratio >= 1:
        return f"{precision} takes {ratio:g} times as long as fp32 on this machine's CPU: export fp32 to run there"
    return f"{precision} takes {ratio:g} of fp32's time on this machine's CPU"
