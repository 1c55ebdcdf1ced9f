from __future__ import annotations

import json
import time

import numpy as np

from artrt.engine.statistics import Percentiles, Rate, SinkStats, Statistics, Stats, Times


def test_percentiles_are_of_the_last_values():
    times = Times()
    assert times.percentiles() == Percentiles(0, 0, 0)
    for value in range(2000):
        times.add(value)
    last = np.arange(2000 - 512, 2000)
    assert times.percentiles() == Percentiles(*np.percentile(last, (50, 95, 99)))


def test_rate_counts_the_last_seconds(monkeypatch):
    now = [50.0]
    monkeypatch.setattr("artrt.engine.statistics.time.monotonic", lambda: now[0])
    rate = Rate()
    assert rate.per_second() == 0
    for _ in range(100):
        now[0] += 0.05
        rate.tick()
    assert abs(rate.per_second() - 20) < 0.1
    now[0] += 5
    assert rate.per_second() == 0
    assert rate.count == 100


def test_drops_are_counted_by_cause():
    statistics = Statistics()
    statistics.drop("paused")
    statistics.drop("paused", 2)
    statistics.drop("error")
    assert statistics.dropped() == {"paused": 3, "error": 1}


def test_json_is_one_rounded_line():
    stats = Stats(
        fps_in=29.97003,
        stages={"stylize": Percentiles(1.23456, 2, 3)},
        sinks={"a.mp4": SinkStats(5, 1)},
        dropped={"stages busy": 4},
    )
    text = stats.to_json()
    assert "\n" not in text
    data = json.loads(text)
    assert data["fps_in"] == 29.97
    assert data["stages"]["stylize"] == {"p50": 1.23, "p95": 2, "p99": 3}
    assert data["sinks"]["a.mp4"] == {"written": 5, "dropped": 1}
    assert stats.drops == 4


def test_elapsed_time_goes_on():
    statistics = Statistics()
    before = statistics.elapsed_seconds
    time.sleep(0.01)
    assert statistics.elapsed_seconds > before
