"""Measures chains on this machine: median and tail times, frames per second, memory, energy."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..frame import Image
from ..stages.chain import Chain
from .energy import EnergyMeter, energy_counter


@dataclass(frozen=True)
class BenchOptions:
    """Options of a measurement.

    Args:
        size: (height, width) in pixels of the frames.
        rounds: Number of measured frames.
        warmup: Number of frames before them, for each chain.
    """

    size: tuple[int, int] = (720, 1280)
    rounds: int = 20
    warmup: int = 3


@dataclass(frozen=True)
class BenchResult:
    """Results of one chain.

    Args:
        name: Name of the chain.
        provider: Provider that ran it.
        median_ms: Median time per frame.
        p95_ms: 95th percentile of the time per frame.
        p99_ms: 99th percentile of the time per frame.
        fps: Frames per second, from the median.
        joules: Energy per frame, or None if it cannot be measured.
        stages: Median time of each stage in ms.
    """

    name: str
    provider: str
    median_ms: float
    p95_ms: float
    p99_ms: float
    fps: float
    joules: float | None
    stages: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """The results as a dict, for JSON and tables."""
        return asdict(self)


def bench(chains: Mapping[str, Chain], options: BenchOptions) -> list[BenchResult]:
    """Measures chains in alternation, so that disturbances affect all of them equally.

    Args:
        chains: Name -> chain.
        options: Options of the measurement.
    """
    frames = _frames(options.size)
    seconds: dict[str, list[float]] = {name: [] for name in chains}
    parts: dict[str, list[Mapping[str, float]]] = {name: [] for name in chains}
    joules: dict[str, list[float]] = {name: [] for name in chains}
    counter = energy_counter()
    for turn in range(-options.warmup, options.rounds):
        for name, chain in chains.items():
            with EnergyMeter(counter) as meter:
                started = time.perf_counter()
                chain(frames[turn % len(frames)])
                taken = time.perf_counter() - started
            if turn >= 0:
                seconds[name].append(taken)
                parts[name].append(dict(chain.seconds))
                joules[name] += [meter.joules] if meter.joules is not None else []
    return [_result(name, chain, seconds[name], parts[name], joules[name]) for name, chain in chains.items()]


def peak_memory_mb() -> float:
    """Peak memory of this process so far, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)


def _result(
    name: str, chain: Chain, seconds: list[float], parts: list[Mapping[str, float]], joules: list[float]
) -> BenchResult:
    median, p95, p99 = (round(float(value) * 1000, 3) for value in np.quantile(seconds, (0.5, 0.95, 0.99)))
    stages = {
        stage: round(float(np.median([part[stage] for part in parts])) * 1000, 2)
        for stage in parts[0]
        if parts
    }
    energy = round(float(np.mean(joules)), 3) if joules else None
    return BenchResult(
        name, chain.provider, median, p95, p99, round(1 / float(np.median(seconds)), 2), energy, stages
    )


def _frames(size: tuple[int, int]) -> list[Image]:
    """Four moving frames with the structure of a photograph, not noise."""
    height, width = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [np.sin(x / 37 + phase) + np.cos(y / 23 - phase) + np.sin((x + y) / 11) for phase in range(4)]
    shades = [np.dstack([wave, wave[::-1], wave[:, ::-1]]) for wave in waves]
    return [np.asarray((shade + 3) * (255 / 6), np.float32).clip(0, 255).astype(np.uint8) for shade in shades]
