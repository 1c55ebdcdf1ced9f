"""Estimates the memory of a painting before it starts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ...engine.errors import UsageError
from .optimizers import HISTORY_BYTES
from .tiling import GRID_PX

#: Bytes per pixel of a loss network's input, forward and backward; measured, rounded up.
BYTES_PER_PIXEL = {"small": 1800, "compact": 3700, "compact-encoder": 1000, "wide": 3000, "vgg19": 4500}
#: Bytes of networks and libraries.
BASE_BYTES = 350 << 20
#: Bytes per pixel of the painting for pictures, gradients and averages.
PICTURE_BYTES_PER_PIXEL = 200
#: Bytes per pixel for the history of L-BFGS, up to the limit in descent.py.
HISTORY_BYTES_PER_PIXEL = 960


def needed_bytes(height: int, width: int, *, network: str, tile_px: int = 0, halo_px: int = 80) -> int:
    """Estimated peak memory of painting height x width pixels."""
    pixels = height * width
    side = tile_px + GRID_PX + 2 * halo_px
    seen = min(pixels, side * side) if tile_px else pixels
    looking = BYTES_PER_PIXEL.get(network, BYTES_PER_PIXEL["vgg19"]) * seen
    remembered = min(HISTORY_BYTES_PER_PIXEL * pixels, HISTORY_BYTES) + PICTURE_BYTES_PER_PIXEL * pixels
    return BASE_BYTES + looking + remembered


def available_bytes(device: str = "cpu") -> int | None:
    """Free memory of a device in bytes, within the container's limit; None when unknown."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    told = [free for free in (_free_of_machine(), free_of_container()) if free is not None]
    return min(told, default=None)


def _free_of_machine() -> int | None:
    meminfo = Path("/proc/meminfo")
    if not meminfo.is_file():
        return None
    for line in meminfo.read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    return None


#: Files of a control group: limit, use, and reclaimable cache in memory.stat; version 2, version 1.
CONTROL_GROUPS = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)


def free_of_container(root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes left until the memory limit of the control group; None without a limit.

    Args:
        root: Folder of the control groups.
    """
    for limit, use, statistics, cache in CONTROL_GROUPS:
        try:
            most, used = int((root / limit).read_text()), int((root / use).read_text())
            lines = dict(line.split() for line in (root / statistics).read_text().splitlines())
            return max(0, most - used + int(lines[cache]))
        except (OSError, ValueError, KeyError):  # another version, or "max": no limit
            continue
    return None


@contextmanager
def telling_what_fits(height: int, width: int, *, network: str, tile_px: int) -> Iterator[None]:
    """Turns torch's out-of-memory error into a UsageError with the size that would fit.

    Raises:
        UsageError: The block ran out of memory.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        text = str(error).lower()
        if not (isinstance(error, MemoryError) or "out of memory" in text or "not enough memory" in text):
            raise
        half = needed_bytes(height, width, network=network, tile_px=tile_px) // 2
        fits = fitting_long_side(height, width, network=network, tile_px=tile_px, available=half)
        raise UsageError(f"painting {width}x{height} ran out of memory: {_way(fits, tile_px)}") from error


def check_memory(height: int, width: int, *, network: str, tile_px: int, available: int | None) -> None:
    """Checks that a painting fits into memory.

    Args:
        height: Height of the painting in pixels.
        width: Width of the painting in pixels.
        network: Name of the loss network.
        tile_px: Side of the tiles, 0 for none.
        available: Free memory in bytes; None skips the check.

    Raises:
        UsageError: There is too little memory; the message gives the size that would fit.
    """
    needed = needed_bytes(height, width, network=network, tile_px=tile_px)
    if available is None or needed <= available:
        return
    fits = fitting_long_side(height, width, network=network, tile_px=tile_px, available=available)
    raise UsageError(
        f"painting {width}x{height} needs about {needed / 2**30:.1f} GB of memory, "
        f"{available / 2**30:.1f} GB are free: {_way(fits, tile_px)}"
    )


def _way(fits: int, tile_px: int) -> str:
    way = f"--size {fits} would fit" if fits else "close other programs"
    return way if tile_px else f"{way}, or use --tile to paint large pictures in pieces"


def fitting_long_side(height: int, width: int, *, network: str, tile_px: int, available: int) -> int:
    """The largest long side for this shape that fits, in pixels, a multiple of 16; 0 if none fits."""
    longest = max(height, width)
    for side in range(longest - longest % 16, 63, -16):
        scale = side / longest
        scaled = (round(height * scale), round(width * scale))
        if needed_bytes(*scaled, network=network, tile_px=tile_px) <= available:
            return side
    return 0
