"""The statistics in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...statistics import Percentiles, Stats

PREFIX = "artrt"


def metrics_text(stats: Stats, *, viewers: int) -> str:
    """The page at /metrics.

    Args:
        stats: Of the pipeline.
        viewers: Browsers that look at the picture.
    """
    lines: list[str] = []
    lines += _family("frames_in_total", "counter", "Frames read from the source", {"": stats.frames_in})
    lines += _family("frames_out_total", "counter", "Frames after all stages", {"": stats.frames_out})
    dropped = {_label("cause", cause): count for cause, count in stats.dropped.items()}
    lines += _family("frames_dropped_total", "counter", "Frames dropped", dropped or {"": 0})
    lines += _family("reconnects_total", "counter", "Reconnections of the source", {"": stats.reconnects})
    lines += _family("fps", "gauge", "Frames per second after the stages", {"": stats.fps_out})
    lines += _family("source_fps", "gauge", "Frames per second of the source", {"": stats.fps_in})
    lines += _family("viewers", "gauge", "Browsers that look", {"": viewers})
    lines += _family("latency_ms", "gauge", "From capture to the last stage", _quantiles(stats.latency_ms))
    lines += _family("age_ms", "gauge", "From capture to the sinks", _quantiles(stats.age_ms))
    stages: dict[str, float] = {}
    for name, times in stats.stages.items():
        stages |= _quantiles(times, stage=name)
    lines += _family("stage_ms", "gauge", "Time in a stage", stages)
    return "\n".join(lines) + "\n"


def _family(name: str, kind: str, text: str, samples: Mapping[str, float]) -> Iterator[str]:
    yield f"# HELP {PREFIX}_{name} {text}"
    yield f"# TYPE {PREFIX}_{name} {kind}"
    for labels, value in samples.items():
        yield f"{PREFIX}_{name}{labels} {value:g}" if kind == "gauge" else f"{PREFIX}_{name}{labels} {value}"


def _quantiles(times: Percentiles, **labels: str) -> dict[str, float]:
    values = {"0.5": times.p50, "0.95": times.p95, "0.99": times.p99}
    return {_labels({**labels, "quantile": quantile}): value for quantile, value in values.items()}


def _label(name: str, value: str) -> str:
    return _labels({name: value})


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
