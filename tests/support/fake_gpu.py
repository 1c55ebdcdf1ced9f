"""A GPU that is main memory: enough of pycuda, TensorRT and libcuda to run the code that uses them, step by step.

Addresses are keys into a table of buffers, streams run at once, a captured graph is the list of calls made meanwhile.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np


class Memory:
    """All buffers by their address."""

    def __init__(self) -> None:
        self.buffers: dict[int, np.ndarray] = {}
        self.next = 4096
        self.allocations = 0

    def allocate(self, size: int) -> Allocation:
        self.allocations += 1
        address, self.next = self.next, self.next + size + 4096
        self.buffers[address] = np.zeros(size, np.uint8)
        return Allocation(self, address)

    def view(self, address: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        size = int(np.prod(shape, dtype=int)) * np.dtype(dtype).itemsize
        return self.buffers[address][:size].view(dtype).reshape(shape)


class Allocation:
    """What a pool hands out; freed with its last reference, as pycuda's."""

    def __init__(self, memory: Memory, address: int) -> None:
        self.memory, self.address = memory, address

    def __int__(self) -> int:
        return self.address

    def __del__(self) -> None:
        self.memory.buffers.pop(self.address, None)


class Context:
    """Counts pushes, so that a forgotten pop shows."""

    def __init__(self) -> None:
        self.depth = 0
        self.waits = 0

    def push(self) -> None:
        self.depth += 1

    def pop(self) -> None:
        self.depth -= 1

    def synchronize(self) -> None:
        self.waits += 1


class Stream:
    handle = 77

    def synchronize(self) -> None:
        """Everything ran at once."""


def fake_pycuda(memory: Memory, context: Context) -> types.ModuleType:
    """A module `pycuda` with `driver` and `tools`."""

    class Device:
        def __init__(self, index: int) -> None:
            self.index = index

        def name(self) -> str:
            return "Fake GPU"

        def compute_capability(self) -> tuple[int, int]:
            return 8, 7

        def retain_primary_context(self) -> Context:
            return context

    def to_device(address: int, host: np.ndarray, stream: Stream) -> None:
        memory.buffers[address][: host.nbytes] = host

    def to_host(host: np.ndarray, address: int, stream: Stream) -> None:
        host[:] = memory.buffers[address][: host.nbytes]

    driver: Any = types.ModuleType("pycuda.driver")
    driver.init = lambda: None
    driver.Error = type("Error", (Exception,), {})
    driver.Device = Device
    driver.Stream = Stream
    driver.get_driver_version = lambda: 12060
    driver.mem_get_info = lambda: (8 << 30, 16 << 30)
    driver.pagelocked_empty = lambda size, dtype: np.empty(size, dtype)
    driver.memcpy_htod_async = to_device
    driver.memcpy_dtoh_async = to_host
    tools: Any = types.ModuleType("pycuda.tools")
    tools.DeviceMemoryPool = lambda: types.SimpleNamespace(allocate=memory.allocate)
    package: Any = types.ModuleType("pycuda")
    package.driver, package.tools = driver, tools
    package.__path__ = []
    return package


class Driver:
    """The part of libcuda that captures and launches graphs."""

    def __init__(self) -> None:
        self.recording: list[Callable[[], None]] | None = None
        self.graphs: dict[int, list[Callable[[], None]]] = {}
        self.launches = 0
        self.begun = 0
        self.can_capture = True

    def cuStreamBeginCapture_v2(self, stream: Any, mode: int) -> int:
        self.begun += 1
        if not self.can_capture:
            return 900
        self.recording = []
        return 0

    def cuStreamEndCapture(self, stream: Any, graph: Any) -> int:
        number = len(self.graphs) + 1
        self.graphs[number], self.recording = self.recording or [], None
        graph._obj.value = number
        return 0

    def cuGraphInstantiateWithFlags(self, executable: Any, graph: Any, flags: Any) -> int:
        executable._obj.value = graph.value
        return 0

    def cuGraphDestroy(self, graph: Any) -> int:
        return 0

    def cuGraphExecDestroy(self, graph: Any) -> int:
        self.graphs.pop(graph.value, None)
        return 0

    def cuGraphLaunch(self, graph: Any, stream: Any) -> int:
        self.launches += 1
        for call in self.graphs[graph.value]:
            call()
        return 0

    def do(self, call: Callable[[], None]) -> None:
        if self.recording is not None:
            self.recording.append(call)
        else:
            call()


class Engine:
    """An engine of one stage: output = 255 - frame, state.count.next = state.count + 1."""

    tensors: ClassVar = {
        "frame": ("UINT8", (-1, -1, 3), True),
        "state.count": ("FLOAT", (1,), True),
        "output": ("UINT8", (-1, -1, 3), False),
        "state.count.next": ("FLOAT", (1,), False),
    }
    largest = 64

    def __init__(self, memory: Memory, driver: Driver, modes: Any) -> None:
        self.memory, self.driver, self.modes = memory, driver, modes
        self.num_io_tensors = len(self.tensors)

    def get_tensor_name(self, index: int) -> str:
        return list(self.tensors)[index]

    def get_tensor_mode(self, name: str) -> str:
        return self.modes.INPUT if self.tensors[name][2] else self.modes.OUTPUT

    def get_tensor_dtype(self, name: str) -> Any:
        return types.SimpleNamespace(name=self.tensors[name][0])

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.tensors[name][1]

    def get_tensor_profile_shape(self, name: str, profile: int) -> list[tuple[int, ...]]:
        return [(8, 8, 3), (32, 32, 3), (self.largest, self.largest, 3)]

    def create_execution_context(self) -> ExecutionContext:
        return ExecutionContext(self)


class ExecutionContext:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.addresses: dict[str, int] = {}
        self.runs = 0

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self.shapes[name] = shape
        return max(shape) <= self.engine.largest

    def infer_shapes(self) -> list[str]:
        return []

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.shapes["frame" if name == "output" else "state.count"]

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return True

    def execute_async_v3(self, stream: int) -> bool:
        view, shapes, addresses = self.engine.memory.view, dict(self.shapes), dict(self.addresses)

        def call() -> None:
            self.runs += 1
            frame = view(addresses["frame"], shapes["frame"], "uint8")
            view(addresses["output"], shapes["frame"], "uint8")[:] = 255 - frame
            count = view(addresses["state.count"], shapes["state.count"], "float32")
            view(addresses["state.count.next"], shapes["state.count"], "float32")[:] = count + 1

        self.engine.driver.do(call)
        return True


def fake_tensorrt(memory: Memory, driver: Driver, *, version: str = "10.3.0") -> types.ModuleType:
    """A module `tensorrt` whose runtime loads `Engine`."""
    trt: Any = types.ModuleType("tensorrt")
    trt.__version__ = version
    trt.TensorIOMode = types.SimpleNamespace(INPUT="input", OUTPUT="output")
    trt.Logger = type("Logger", (), {"ERROR": 1, "__init__": lambda self, level: None})

    class Runtime:
        def __init__(self, logger: Any) -> None:
            self.engine_host_code_allowed = False

        def deserialize_cuda_engine(self, plan: bytes) -> Engine | None:
            return Engine(memory, driver, trt.TensorIOMode) if plan == b"plan" else None

    trt.Runtime = Runtime
    return trt
