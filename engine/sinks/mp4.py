"""Repair of an MP4 whose writing broke off: everything after the last whole fragment is cut away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def cut_to_whole_fragments(path: Path) -> None:
    """Truncates a fragmented MP4 after its last complete `moof` + `mdat` pair.

    A box is a 4-byte size, a 4-byte type, and that many bytes:

        ftyp | moov | moof mdat | moof mdat | moof md...   <- cut before the last moof
    """
    with path.open("r+b") as file:
        length = path.stat().st_size
        keep = 0
        for kind, end in _boxes(file, length):
            if end > length:
                break
            # A fragment's header counts only together with its data.
            keep = keep if kind == b"moof" else end
        if 0 < keep < length:
            file.truncate(keep)


def _boxes(file: BinaryIO, length: int) -> Iterator[tuple[bytes, int]]:
    """Type and end of the boxes at the top level, the broken last one included."""
    position = 0
    while position + 8 <= length:
        file.seek(position)
        size, kind = int.from_bytes(file.read(4), "big"), file.read(4)
        if size == 1:
            size = int.from_bytes(file.read(8), "big")
        if size < 8:
            return
        yield kind, position + size
        position += size
