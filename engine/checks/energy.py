"""Measures energy in joules by NVIDIA's library, Jetson's power sensors, or Intel's RAPL."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

RAPL = Path("/sys/class/powercap/intel-rapl:0/energy_uj")
JETSON_SENSORS = Path("/sys/bus/i2c/drivers/ina3221")
TOTAL_RAILS = ("VDD_IN", "VIN_SYS_5V0", "POM_5V_IN")
SAMPLE_SECONDS = 0.05

Counter = tuple[str, Callable[[], float] | None]
"""Name of a counter, and a function that reads joules since a fixed start; "" and None if there is no counter."""


class EnergyMeter:
    """Context manager that measures the energy used inside its block.

    Args:
        counter: Result of `energy_counter`, to reuse it for many measurements; None calls it here.

    Attributes:
        joules: The energy, or None if it cannot be measured.
        source: "nvml", "jetson", "rapl", or "" for none.
    """

    def __init__(self, counter: Counter | None = None) -> None:
        self.joules: float | None = None
        self.source, self._read = counter or energy_counter()
        self._start: float | None = None

    def __enter__(self) -> EnergyMeter:
        """Starts measuring."""
        self._start = self._read() if self._read is not None else None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops measuring."""
        if self._read is not None and self._start is not None:
            end = self._read()
            self.joules = end - self._start if end >= self._start else None  # the counter may have wrapped


def energy_counter() -> Counter:
    """The first counter that works."""
    for name, make in (("nvml", _nvml), ("jetson", _jetson), ("rapl", _rapl)):
        read = make()
        if read is not None:
            return name, read
    return "", None


def _nvml() -> Callable[[], float] | None:
    """The GPU's energy counter; None without nvidia-ml-py, a GPU, or a counter in the GPU."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
        pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu)
    except pynvml.NVMLError:
        return None
    return lambda: float(pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu)) / 1000


def _rapl() -> Callable[[], float] | None:
    try:
        RAPL.read_text()
    except OSError:
        return None
    return lambda: int(RAPL.read_text()) / 1e6


def _jetson() -> Callable[[], float] | None:
    """Integrates the input power of the board, which a thread samples."""
    labels = [
        path
        for path in JETSON_SENSORS.glob("*/hwmon/hwmon*/in*_label")
        if path.read_text().strip() in TOTAL_RAILS
    ]
    if not labels:
        return None
    volts = labels[0].with_name(labels[0].name.replace("_label", "_input"))
    amperes = volts.with_name(volts.name.replace("in", "curr", 1))
    integral = _Integral(lambda: int(volts.read_text()) * int(amperes.read_text()) / 1e6)
    integral.start()
    return integral.read


class _Integral:
    """Integrates a power in watts over time; a thread samples the power.

    Args:
        power: Reads the current power.
        clock: Seconds.
    """

    def __init__(self, power: Callable[[], float], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._power = power
        self._clock = clock
        self._lock = threading.Lock()
        self._watts = power()
        self._joules = 0.0
        self._before = clock()

    def start(self) -> None:
        """Starts sampling, until the process ends."""
        threading.Thread(target=self._run, name="artrt-energy", daemon=True).start()

    def read(self) -> float:
        """Joules since the start."""
        with (
            self._lock,
            contextlib.suppress(OSError, ValueError),
        ):  # a busy sensor keeps its last value
            self._watts = self._power()
        with self._lock:
            now = self._clock()
            self._joules += self._watts * (now - self._before)
            self._before = now
            return self._joules

    def _run(self) -> None:
        while True:
            time.sleep(SAMPLE_SECONDS)
            self.read()
