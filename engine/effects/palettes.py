"""Palettes as files (JSON, GIMP palette, PNG of swatches), and pictures as indexed PNG."""

from __future__ import annotations

import json
import os
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..files import write_bytes
from ..frame import Image, write_image

SWATCH_PX = 32
SWATCHES_PER_ROW = 16
PALETTE_SUFFIXES = (".json", ".gpl", ".png")
SIGNATURE = b"\x89PNG\r\n\x1a\n"
INDEXED = 3
LEVEL = 9


def write_palette(path: str | os.PathLike[str], palette: Image, *, counts: NDArray[np.int64]) -> None:
    """Writes a palette; the suffix chooses the format.

    Args:
        path: A .json, .gpl (GIMP, Inkscape, Krita) or .png file.
        palette: uint8 [k, 3], BGR.
        counts: Pixels of each colour, [k].

    Raises:
        UsageError: Another suffix.
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
    """The suffix of a palette file.

    Raises:
        UsageError: It is not one of .json, .gpl and .png.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in PALETTE_SUFFIXES:
        raise UsageError(f"cannot write the palette {path}: its name ends in {', '.join(PALETTE_SUFFIXES)}")
    return suffix


def write_indexed_png(
    path: str | os.PathLike[str], labels: NDArray[np.uint8], palette: Image, *, alpha: Image | None = None
) -> bool:
    """Writes an indexed PNG of 1, 2, 4 or 8 bits per pixel.

    Args:
        path: Target.
        labels: uint8 [H, W], rows of the palette.
        palette: uint8 [k, 3], BGR, at most 256 colours.
        alpha: uint8 [H, W] or None; every pair of colour and alpha takes a row of the palette of its own.

    Returns:
        False when colours and alpha make more than 256 pairs: then nothing was written.

    Raises:
        OutputError: The file cannot be written.
    """
    opacity = np.full(len(palette), 255, np.uint8)
    if alpha is not None:
        pairs, numbers = np.unique(labels.astype(np.uint16) << 8 | alpha, return_inverse=True)
        if len(pairs) > 256:
            return False
        palette, opacity = palette[pairs >> 8], (pairs & 255).astype(np.uint8)
        labels = numbers.reshape(labels.shape).astype(np.uint8)
    bits = next(bits for bits in (1, 2, 4, 8) if len(palette) <= 2**bits)
    height, width = labels.shape
    header = struct.pack(">IIBBBBB", width, height, bits, INDEXED, 0, 0, 0)
    chunks = [_chunk(b"IHDR", header), _chunk(b"PLTE", palette[:, ::-1].tobytes())]
    if (opacity < 255).any():
        chunks.append(_chunk(b"tRNS", opacity.tobytes()))
    chunks += [_chunk(b"IDAT", zlib.compress(_packed(labels, bits), LEVEL)), _chunk(b"IEND", b"")]
    write_bytes(path, SIGNATURE + b"".join(chunks))
    return True


def _packed(labels: NDArray[np.uint8], bits: int) -> bytes:
    """Rows of a PNG: filter type 0, then the pixels, several to a byte from the left."""
    per_byte = 8 // bits
    height, width = labels.shape
    padded = np.zeros((height, -(-width // per_byte) * per_byte), np.uint8)
    padded[:, :width] = labels
    groups = padded.reshape(height, -1, per_byte)
    shifts = np.arange(per_byte - 1, -1, -1, dtype=np.uint8) * np.uint8(bits)
    rows = np.bitwise_or.reduce(groups << shifts, axis=2)
    return np.hstack([np.zeros((height, 1), np.uint8), rows]).tobytes()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


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
