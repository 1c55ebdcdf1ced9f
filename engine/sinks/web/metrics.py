"""The statistics in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ...statistics import Percentiles, Stats

QUANTILES = {"0.5": "p50", "0.95": "p95", "0.99": "p99"}


def metrics_text(stats: Stats, *, viewers: int) -> str:
    """The page at /metrics.

    Args:
        stats: Statistics of the pipeline.
        viewers: Number of browsers that show the picture.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(stats, viewers))
    return bytes(generate_latest(registry)).decode()


class _Snapshot(Collector):
    """One snapshot of the statistics as metrics."""

    def __init__(self, stats: Stats, viewers: int) -> None:
        self._stats, self._viewers = stats, viewers

    def describe(self) -> list[Metric]:
        """Empty: names are not known before the values."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Counters, rates and times."""
        stats = self._stats
        yield CounterMetricFamily("artrt_frames_in", "Frames read from the source", stats.frames_in)
        yield CounterMetricFamily("artrt_frames_out", "Frames after all stages", stats.frames_out)
        dropped = CounterMetricFamily("artrt_frames_dropped", "Frames dropped", labels=["cause"])
        for cause, count in stats.dropped.items():
            dropped.add_metric([cause], count)
        yield dropped
        yield CounterMetricFamily("artrt_reconnects", "Reconnections of the source", stats.reconnects)
        yield GaugeMetricFamily("artrt_fps", "Frames per second after the stages", stats.fps_out)
        yield GaugeMetricFamily("artrt_source_fps", "Frames per second of the source", stats.fps_in)
        yield GaugeMetricFamily("artrt_viewers", "Browsers that show the picture", self._viewers)
        yield _times("artrt_latency_ms", "From capture to the last stage", {"": stats.latency_ms})
        yield _times("artrt_age_ms", "From capture to the sinks", {"": stats.age_ms})
        yield _times("artrt_stage_ms", "Time in a stage", stats.stages, label="stage")


def _times(
    name: str, text: str, times: Mapping[str, Percentiles], *, label: str | None = None
) -> GaugeMetricFamily:
    labels = ([label] if label is not None else []) + ["quantile"]
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, percentiles in times.items():
        for quantile, attribute in QUANTILES.items():
            values = ([key] if label is not None else []) + [quantile]
            family.add_metric(values, getattr(percentiles, attribute))
    return family
