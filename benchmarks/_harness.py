"""What all benchmarks share: timing side by side, facts of the machine, and a JSON file with a table beside it.

    timings = interleaved({"classic": run_classic, "small": run_small}, rounds=7)
    write("stylize", rows=[...], facts={...})

Contenders take turns in every round, so that a machine that slows down slows all of them: trust the ratios.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
SHARED = Path(os.environ.get("ARTRT_SHARED") or Path(__file__).parents[2] / "shared" / "data")
LOAD_BEFORE = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
PACKAGES = ("numpy", "onnxruntime", "onnxruntime-gpu", "openvino", "torch", "opencv-python", "av", "tensorrt")


@dataclass(frozen=True)
class Timing:
    """Times of one contender in milliseconds."""

    median_ms: float
    minimum_ms: float
    p95_ms: float
    rounds: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Timing:
        """Summarises measured times."""
        times = sorted(value * 1000 for value in seconds)
        p95 = times[min(len(times) - 1, round(0.95 * (len(times) - 1)))]
        return cls(round(statistics.median(times), 3), round(times[0], 3), round(p95, 3), len(times))

    @property
    def fps(self) -> float:
        """Runs per second, by the median."""
        return round(1000 / self.median_ms, 2)


def interleaved(
    contenders: Mapping[str, Callable[[], object]],
    *,
    rounds: int = 7,
    warmup: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Timing]:
    """Times functions in turns.

    Args:
        contenders: Name -> function to time.
        rounds: How often each is timed.
        warmup: How often each runs before.
        clock: Seconds; time.process_time counts the processor's time instead.

    Returns:
        Name -> timing, in the order given.
    """
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for round_index in range(-warmup, rounds):
        for name, run in contenders.items():
            start = clock()
            run()
            if round_index >= 0:
                times[name].append(clock() - start)
    return {name: Timing.of(values) for name, values in times.items()}


def machine() -> dict[str, Any]:
    """Processor, cores, load before the benchmark, Python and the versions of the packages that matter."""
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "load_before": LOAD_BEFORE,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
    }


def write(
    name: str,
    *,
    title: str,
    rows: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any] | None = None,
    notes: str = "",
    directory: Path = RESULTS,
) -> Path:
    """Writes NAME.json and NAME.md and prints the table.

    Args:
        name: File name without suffix.
        title: Heading of the table.
        rows: One mapping per line; the keys of the first are the columns. Timings are spread into columns.
        facts: What else belongs into the JSON (date and machine are added).
        notes: Text below the table.
        directory: Where to write.

    Returns:
        Path of the JSON file.
    """
    directory.mkdir(parents=True, exist_ok=True)
    plain = [_plain(row) for row in rows]
    about = machine()
    notes = " ".join(notes.split())
    record = {"title": title, "date": f"{datetime.now(timezone.utc):%Y-%m-%d}", "machine": about}
    record |= {**(facts or {}), "notes": notes, "rows": plain}
    path = directory / f"{name}.json"
    path.write_text(json.dumps(record, indent=2) + "\n")
    table = markdown(plain)
    where = f"{record['date']}, {about['cpu']}, {about['cores']} cores, load {about['load_before']} before, "
    where += f"Python {about['python']}"
    text = f"# {title}\n\n{table}\n\n{notes}\n\n{where}.\n".replace("\n\n\n\n", "\n\n")
    path.with_suffix(".md").write_text(text)
    print(f"{title}\n\n{table}\n")
    return path


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table; the keys of the first row are the columns."""
    columns = list(rows[0])
    lines = [columns, ["-"] * len(columns)] + [[_cell(row.get(column)) for column in columns] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, value in row.items():
        plain.update(asdict(value) | {"fps": value.fps} if isinstance(value, Timing) else {key: value})
    return plain


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    return "" if value is None else str(value)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
