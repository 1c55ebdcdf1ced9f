"""Writes palettes (JSON, GIMP palette, PNG of swatches) and indexed PNG."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from ..errors import UsageError
from ..files import write_bytes
from ..frame import Image, write_image
from ..pictures.about import NOTHING, About
from ..pictures.writing import described

SWATCH_PX = 32
SWATCHES_PER_ROW = 16
PALETTE_SUFFIXES = (".json", ".gpl", ".png")
LEVEL = 9
SIGNATURE, COLOUR_TYPE, INDEXED = b"\x89PNG", 25, 3
MOST_COLORS = 256


def write_palette(path: str | os.PathLike[str], palette: Image, *, counts: NDArray[np.int64]) -> None:
    """Writes a palette; the suffix chooses the format.

    Args:
        path: A .json, .gpl (GIMP, Inkscape, Krita) or .png file.
        palette: uint8 [k, 3], BGR.
        counts: Pixels of each colour, [k].

    Raises:
        UsageError: The suffix is not one of these.
        OutputError: The file cannot be written.
    """
    suffix = check_palette_suffix(path)
    if suffix == ".png":
        write_image(path, _swatches(palette))
    elif suffix == ".gpl":
        write_bytes(path, _gimp(Path(path).stem, palette).encode())
    else:
        share = (counts / counts.sum()).round(6).tolist()
        colors = [
            {"hex": _hex(color), "rgb": [int(value) for value in color[::-1]], "share": part}
            for color, part in zip(palette, share, strict=True)
        ]
        write_bytes(path, (json.dumps({"colors": colors}, indent=1) + "\n").encode())


def check_palette_suffix(path: str | os.PathLike[str]) -> str:
    """Returns the suffix of a palette file.

    Raises:
        UsageError: It is not one of .json, .gpl and .png.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in PALETTE_SUFFIXES:
        raise UsageError(f"cannot write the palette {path}: its name ends in {', '.join(PALETTE_SUFFIXES)}")
    return suffix


def indexed_png(
    labels: NDArray[np.uint8], palette: Image, *, alpha: Image | None = None, about: About = NOTHING
) -> bytes | None:
    """Encodes an indexed PNG with 1, 2, 4 or 8 bits per pixel.

    Args:
        labels: uint8 [H, W], rows of the palette.
        palette: uint8 [k, 3], BGR, at most 256 colours.
        alpha: uint8 [H, W] or None; every pair of colour and alpha takes one palette entry.
        about: Metadata of the file.

    Returns:
        The bytes, or None when there are more than 256 pairs of colour and alpha.
    """
    opacity = np.full(len(palette), 255, np.uint8)
    if alpha is not None:
        pairs, numbers = np.unique(labels.astype(np.uint16) << 8 | alpha, return_inverse=True)
        if len(pairs) > MOST_COLORS:
            return None
        palette, opacity = palette[pairs >> 8], (pairs & 255).astype(np.uint8)
        labels = numbers.reshape(labels.shape).astype(np.uint8)
    picture = Pil.fromarray(labels)
    picture.putpalette(np.ascontiguousarray(palette[:, ::-1]).tobytes())
    settings: dict[str, Any] = {"bits": next(bits for bits in (1, 2, 4, 8) if len(palette) <= 2**bits)}
    if (opacity < 255).any():
        settings["transparency"] = opacity.tobytes()
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=LEVEL, **settings, **described("PNG", about))
    return buffer.getvalue()


def is_indexed(data: bytes) -> bool:
    """Whether the bytes of a file are an indexed PNG."""
    return data.startswith(SIGNATURE) and data[COLOUR_TYPE] == INDEXED


def _swatches(palette: Image) -> Image:
    rows = -(-len(palette) // SWATCHES_PER_ROW)
    columns = min(len(palette), SWATCHES_PER_ROW)
    grid = np.full((rows * columns, 3), 255, np.uint8)
    grid[: len(palette)] = palette
    return grid.reshape(rows, columns, 3).repeat(SWATCH_PX, axis=0).repeat(SWATCH_PX, axis=1)


def _gimp(name: str, palette: Image) -> str:
    lines = ["GIMP Palette", f"Name: {name}", f"Columns: {SWATCHES_PER_ROW}", "#"]
    lines += [
        f"{red:3d} {green:3d} {blue:3d}\t{_hex((blue, green, red))}" for blue, green, red in palette.tolist()
    ]
    return "\n".join(lines) + "\n"


def _hex(color: Image | tuple[int, int, int]) -> str:
    blue, green, red = (int(value) for value in color)
    return f"#{red:02x}{green:02x}{blue:02x}"
