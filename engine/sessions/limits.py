"""Cores and memory that this process may use, limited by machine, container (cgroup v1 and v2) and shell.

A group's limit applies to all groups below it, so all groups from the process's own up to the root are read:

    /proc/self/cgroup    0::/system.slice/job        v2: /sys/fs/cgroup/system.slice/job, /sys/fs/cgroup/system.slice, …
                         4:memory:/docker/1f2e       v1: /sys/fs/cgroup/memory/docker/1f2e, …
"""

from __future__ import annotations

import math
import os
import resource
from collections.abc import Iterator
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")
MEMORY_INFO = Path("/proc/meminfo")
OWN_MEMORY = Path("/proc/self/statm")
_KB = 1024


def usable_cores() -> int:
    """Number of cores that this process may use, by CPU affinity and the container's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for folder in group_folders("cpu") if (quota := _quota(folder)) is not None]
    return max(1, min([cores, *(math.ceil(quota) for quota in quotas)]))


def available_memory_bytes() -> int | None:
    """Memory that this process can still allocate, by system, container and `ulimit -v`; None when unknown."""
    known = [_free_in_the_system(), _free_address_space()]
    known += [_free_in(folder) for folder in group_folders("memory")]
    left = [amount for amount in known if amount is not None]
    return max(0, min(left)) if left else None


def group_folders(controller: str) -> Iterator[Path]:
    """The cgroup folders, from this process's own to the root, that may limit a controller.

    Args:
        controller: "cpu" or "memory".
    """
    lines = _text(OWN_GROUPS).splitlines() or ["0::/"]
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controller in controllers.split(","):
            root = next((path for path in (GROUPS / controllers, GROUPS / controller) if path.is_dir()), None)
        else:
            root = GROUPS if number == "0" and not controllers else None
        if root is not None:
            yield from _upwards(root, group)


def _upwards(root: Path, group: str) -> Iterator[Path]:
    """The folders of a group and its parents; inside a container the group may not be visible."""
    folder = root / group.strip("/")
    while folder != root and root in folder.parents:
        if ".." not in folder.relative_to(root).parts:
            yield folder
        folder = folder.parent
    yield root


def _quota(folder: Path) -> float | None:
    """The CPU quota of a group, in cores."""
    words = _text(folder / "cpu.max").split() or [
        _text(folder / "cpu.cfs_quota_us").strip(),
        _text(folder / "cpu.cfs_period_us").strip(),
    ]
    quota, period = _number(words[0]), _number(words[-1])
    return quota / period if quota is not None and period and quota > 0 else None


def _free_in(folder: Path) -> int | None:
    """Memory that a group can still allocate; reclaimable page cache counts as free."""
    for limit_name, used_name, droppable in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit, used = (_number(_text(folder / name)) for name in (limit_name, used_name))
        if limit is not None and used is not None:
            facts = dict(
                line.split(" ", 1) for line in _text(folder / "memory.stat").splitlines() if " " in line
            )
            return limit - used + min(used, _number(facts.get(droppable, "0")) or 0)
    return None


def _free_in_the_system() -> int | None:
    facts = dict(line.split(":", 1) for line in _text(MEMORY_INFO).splitlines() if ":" in line)
    words = facts.get("MemAvailable", "").split()
    free = _number(words[0]) if words else None
    return None if free is None else free * _KB


def _free_address_space() -> int | None:
    """Address space that `ulimit -v` leaves."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    words = _text(OWN_MEMORY).split()
    taken = _number(words[0]) if words else None
    if limit == resource.RLIM_INFINITY or taken is None:
        return None
    return limit - taken * resource.getpagesize()


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.lstrip("-").isdecimal() else None
