from __future__ import annotations

import sys
import time
import types

import numpy as np
import pytest

from artrt.engine.checks import bench as bench_module
from artrt.engine.checks import energy
from artrt.engine.checks.bench import BenchOptions, bench, peak_memory_mb
from artrt.engine.checks.energy import EnergyMeter
from artrt.engine.sessions import FakeSession
from artrt.engine.stage_spec import StageSpec
from artrt.engine.stages.chain import Chain
from artrt.engine.stages.stage import Stage


def chain(calls, name):
    def run(feeds):
        calls.append(name)
        time.sleep(0.002)
        return {"output": feeds["frame"]}

    return Chain([Stage(FakeSession.from_spec(run, StageSpec(name)))])


def test_contenders_take_turns_and_warm_up():
    calls = []
    options = BenchOptions(size=(20, 30), rounds=3, warmup=2)
    results = bench({"a": chain(calls, "a"), "b": chain(calls, "b")}, options)
    assert calls == ["a", "b"] * 5
    assert [result.name for result in results] == ["a", "b"]
    assert results[0].median_ms <= results[0].p95_ms <= results[0].p99_ms
    assert results[0].fps == pytest.approx(1000 / results[0].median_ms, rel=0.01)
    assert set(results[0].stages) == {"a"}


def test_memory_is_measured():
    assert peak_memory_mb() > 10


def test_frames_differ_and_have_structure():
    seen = []

    def run(feeds):
        seen.append(feeds["frame"].copy())
        return {"output": feeds["frame"]}

    bench(
        {"a": Chain([Stage(FakeSession.from_spec(run, StageSpec("a")))])},
        BenchOptions(size=(40, 60), rounds=2, warmup=0),
    )
    assert seen[0].shape == (40, 60, 3)
    assert not np.array_equal(seen[0], seen[1])
    assert seen[0].std() > 20


def test_energy_is_the_difference_of_a_counter(monkeypatch):
    counts = iter([10.0, 12.5])
    monkeypatch.setattr(energy, "energy_counter", lambda: ("rapl", lambda: next(counts)))
    with EnergyMeter() as meter:
        pass
    assert meter.joules == 2.5
    assert meter.source == "rapl"


def test_power_is_integrated_up_to_the_reading():
    now, watts = [100.0], [10.0]
    integral = energy._Integral(lambda: watts[0], clock=lambda: now[0])
    assert integral.read() == 0
    now[0] += 0.02  # a frame shorter than the samples' distance
    assert integral.read() == pytest.approx(0.2)
    now[0], watts[0] = now[0] + 0.1, 20.0
    assert integral.read() == pytest.approx(2.2)


def test_a_sensor_that_fails_keeps_its_last_power():
    now, readings = [0.0], iter([5.0])
    integral = energy._Integral(lambda: next(readings, None) or int("busy"), clock=lambda: now[0])
    now[0] = 2.0
    assert integral.read() == 10.0


def test_a_bench_asks_for_one_counter_and_gives_joules_per_frame(monkeypatch):
    asked, total = [], [0.0]

    def read():
        total[0] += 0.25
        return total[0]

    def counter():
        asked.append(1)
        return "rapl", read

    monkeypatch.setattr(bench_module, "energy_counter", counter)
    (result,) = bench({"a": chain([], "a")}, BenchOptions(size=(20, 30), rounds=3, warmup=1))
    assert result.joules == 0.25
    assert asked == [1]


def test_a_counter_that_wrapped_counts_nothing(monkeypatch):
    counts = iter([10.0, 2.0])
    monkeypatch.setattr(energy, "energy_counter", lambda: ("rapl", lambda: next(counts)))
    with EnergyMeter() as meter:
        pass
    assert meter.joules is None


def test_rapl_is_read_in_microjoules(monkeypatch, tmp_path):
    counter = tmp_path / "energy_uj"
    monkeypatch.setattr(energy, "RAPL", counter)
    assert energy._rapl() is None
    counter.write_text("2500000\n")
    assert energy._rapl()() == 2.5


def test_jetson_power_is_volts_times_amperes(monkeypatch, tmp_path):
    folder = tmp_path / "1-0040" / "hwmon" / "hwmon3"
    folder.mkdir(parents=True)
    (folder / "in1_label").write_text("VDD_IN\n")
    (folder / "in1_input").write_text("5000\n")
    (folder / "curr1_input").write_text("2000\n")
    monkeypatch.setattr(energy, "JETSON_SENSORS", tmp_path)
    watts = []

    class Integral:
        def __init__(self, power):
            watts.append(power())

        def start(self):
            watts.append("sampled")

        def read(self):
            return 0.0

    monkeypatch.setattr(energy, "_Integral", Integral)
    assert energy._jetson() is not None
    assert watts == [10.0, "sampled"]


class NoGpuError(Exception):
    """What a library without a GPU raises."""


@pytest.mark.parametrize("works", [True, False])
def test_the_counter_of_an_nvidia_gpu(monkeypatch, works):
    """Joules of nvidia-ml-py's millijoules; no counter where the library finds no GPU."""
    counts = iter([1000, 2000, 4500])

    def total(gpu):
        assert gpu == "gpu 0"
        return next(counts)

    def start():
        if not works:
            raise NoGpuError

    fake = types.SimpleNamespace(
        NVMLError=NoGpuError,
        nvmlInit=start,
        nvmlDeviceGetHandleByIndex=lambda index: f"gpu {index}",
        nvmlDeviceGetTotalEnergyConsumption=total,
    )
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    read = energy._nvml()
    assert (read is not None) == works
    if read is not None:
        assert [read(), read()] == [2.0, 4.5]


def test_no_counter_of_a_gpu_without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert energy._nvml() is None
