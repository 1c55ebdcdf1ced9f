"""Repairs an incomplete MP4: removes everything after the last complete fragment."""

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
            # A fragment's header is valid only with its data.
            keep = keep if kind == b"moof" else end
        if 0 < keep < length:
            file.truncate(keep)


def _boxes(file: BinaryIO, length: int) -> Iterator[tuple[bytes, int]]:
    """Type and end of the top-level boxes, including an incomplete last one."""
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
