"""Counters and times of a running pipeline, and the snapshot that other threads read."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

# Percentiles cover this many recent values; rates cover this many recent seconds.
WINDOW = 512
RATE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Percentiles of recent times, in milliseconds; zeros when there are none."""

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0


@dataclass(frozen=True, slots=True)
class SinkStats:
    """Number of results that a sink wrote, and that it dropped because it was too slow."""

    written: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Stats:
    """A snapshot of a pipeline.

    `frames_in == frames_out + sum(dropped.values()) + (frames in progress)`; the last is 0 at the end. Likewise
    `frames_out == written + dropped` for every sink that was present from the start.

    Args:
        elapsed_seconds: Since the start.
        frames_in: Frames read from the source.
        frames_out: Frames that went through all stages.
        fps_in: Rate of the source in the last two seconds.
        fps_out: Rate after the stages.
        dropped: Frames dropped before or in the stages, by cause.
        latency_ms: From capture to the end of the last stage.
        age_ms: From capture until a sink has shown or written the frame.
        stages: Time in each stage.
        sinks: Counters of each sink.
        reconnects: How often the source was lost and came back.
        provider: What runs the stages.
        source: Name of the source.
        width: Size of the last picture in pixels.
        height: Size of the last picture in pixels.
    """

    elapsed_seconds: float = 0.0
    frames_in: int = 0
    frames_out: int = 0
    fps_in: float = 0.0
    fps_out: float = 0.0
    dropped: Mapping[str, int] = field(default_factory=dict)
    latency_ms: Percentiles = Percentiles()
    age_ms: Percentiles = Percentiles()
    stages: Mapping[str, Percentiles] = field(default_factory=dict)
    sinks: Mapping[str, SinkStats] = field(default_factory=dict)
    reconnects: int = 0
    provider: str = ""
    source: str = ""
    width: int = 0
    height: int = 0

    @property
    def drops(self) -> int:
        """Number of frames dropped before or in the stages."""
        return sum(self.dropped.values())

    def to_json(self) -> str:
        """One line of JSON, numbers rounded to 0.01."""
        return json.dumps(_rounded(asdict(self)))


class Times:
    """Recent times of one operation, in milliseconds."""

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=WINDOW)

    def add(self, milliseconds: float) -> None:
        """Adds one."""
        self._values.append(milliseconds)

    def percentiles(self) -> Percentiles:
        """Percentiles of the recent times."""
        values = list(self._values.copy())
        if not values:
            return Percentiles()
        return Percentiles(*(float(value) for value in np.percentile(values, (50, 95, 99))))


class Rate:
    """Events per second over the last two seconds."""

    def __init__(self) -> None:
        self._moments: deque[float] = deque(maxlen=4096)
        self.count = 0

    def tick(self) -> None:
        """One event now."""
        self.count += 1
        self._moments.append(time.monotonic())

    def per_second(self) -> float:
        """The rate now; 0 when nothing happened for two seconds."""
        moments = list(self._moments.copy())
        now = time.monotonic()
        recent = [moment for moment in moments if moment > now - RATE_SECONDS]
        if len(recent) < 2:
            return 0.0
        return (len(recent) - 1) / max(recent[-1] - recent[0], 1e-9)


class Statistics:
    """The counters of one pipeline; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._dropped: dict[str, int] = {}
        self._stages: dict[str, Times] = {}
        self.arrived = Rate()
        self.finished = Rate()
        self.latency = Times()
        self.age = Times()

    @property
    def elapsed_seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self._started

    def drop(self, cause: str, count: int = 1) -> None:
        """Counts dropped frames."""
        with self._lock:
            self._dropped[cause] = self._dropped.get(cause, 0) + count

    def dropped(self) -> dict[str, int]:
        """Drops by cause."""
        with self._lock:
            return dict(self._dropped)

    def stage(self, name: str, milliseconds: float) -> None:
        """Adds the time of one run of a stage."""
        with self._lock:
            self._stages.setdefault(name, Times()).add(milliseconds)

    def stages(self) -> dict[str, Percentiles]:
        """Percentiles of each stage."""
        with self._lock:
            times = dict(self._stages)
        return {name: values.percentiles() for name, values in times.items()}


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, 2)
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    return value
