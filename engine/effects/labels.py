"""Writes label maps: NumPy arrays, or 16-bit PNG."""

from __future__ import annotations

import io
import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import OutputError, UsageError
from ..files import write_bytes

LABEL_SUFFIXES = (".npy", ".png")
MOST_IN_PNG = 65536


def check_labels_suffix(path: str | os.PathLike[str]) -> str:
    """Returns the suffix of a label file.

    Raises:
        UsageError: It is neither .npy nor .png.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in LABEL_SUFFIXES:
        raise UsageError(f"cannot write labels to {path}: its name ends in {' or '.join(LABEL_SUFFIXES)}")
    return suffix


def write_labels(path: str | os.PathLike[str], labels: NDArray[np.int32]) -> None:
    """Writes a label map.

    Args:
        path: .npy keeps int32; .png holds 16 bits per pixel.
        labels: int32 [H, W], from 0.

    Raises:
        UsageError: The suffix is neither .npy nor .png.
        OutputError: The file cannot be written, or there are more than 65536 labels for a PNG.
    """
    if check_labels_suffix(path) == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, labels)
        write_bytes(path, buffer.getvalue())
        return
    if int(labels.max()) >= MOST_IN_PNG:
        raise OutputError(f"cannot write {path}: a PNG holds {MOST_IN_PNG} labels; use .npy")
    _, encoded = cv2.imencode(".png", labels.astype(np.uint16))
    write_bytes(path, encoded.tobytes())
