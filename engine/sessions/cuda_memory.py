"""GPU memory by pycuda: a stream, tensors, pinned staging buffers; CUDA graphs by the driver library."""

from __future__ import annotations

import ctypes
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..errors import ContractError, ProviderError
from .base import Array

KEPT_GRAPHS = 16
RELAXED = 2  # CU_STREAM_CAPTURE_MODE_RELAXED: other threads may use the GPU meanwhile


@dataclass(frozen=True, eq=False)
class DeviceTensor:
    """A contiguous tensor in GPU memory.

    Args:
        address: Its first byte.
        shape: Dimensions.
        dtype: NumPy name of the element type.
        owner: The object that keeps the memory allocated.
        stream: Handle of the stream that writes it; None when unknown.
    """

    address: int
    shape: tuple[int, ...]
    dtype: str
    owner: Any = None
    stream: int | None = None

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """For CuPy, PyTorch and Numba: a view without a copy; the session's docstring says how long it is valid."""
        return {
            "shape": self.shape,
            "typestr": np.dtype(self.dtype).str,
            "data": (self.address, False),
            "strides": None,
            "stream": self.stream,
            "version": 3,
        }

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return prod(self.shape) * np.dtype(self.dtype).itemsize

    @classmethod
    def of(cls, tensor: Any) -> DeviceTensor:
        """Wraps a GPU array: a DeviceTensor, or an object with `__cuda_array_interface__` (CuPy, PyTorch).

        Raises:
            ContractError: It is not on the GPU, or not contiguous.
        """
        if isinstance(tensor, cls):
            return tensor
        interface = getattr(tensor, "__cuda_array_interface__", None)
        if interface is None:
            raise ContractError(
                f"{type(tensor).__name__} is not a GPU tensor: it has no __cuda_array_interface__"
            )
        dtype, shape = np.dtype(interface["typestr"]), tuple(interface["shape"])
        if interface.get("strides") not in (None, _strides(shape, dtype.itemsize)):
            raise ContractError("a GPU tensor must be contiguous in row-major order: copy it first")
        return cls(int(interface["data"][0]), shape, str(dtype), tensor, interface.get("stream"))


class CudaMemory:
    """One GPU: its context, one stream, a pool of memory and pinned buffers for transfers.

    Args:
        driver: The module `pycuda.driver`, initialised.
        pool: The module `pycuda.tools`.
        index: Number of the GPU.
    """

    def __init__(self, driver: Any, pool: Any, *, index: int = 0) -> None:
        self._driver = driver
        gpu = driver.Device(index)
        self.name = f"cuda:{index}"
        self.gpu: str = gpu.name()
        self.compute_capability = ".".join(map(str, gpu.compute_capability()))
        number = driver.get_driver_version()
        self.driver = f"{number // 1000}.{number % 1000 // 10}"
        self._context = gpu.retain_primary_context()
        self._staging: dict[tuple[int, ...], Any] = {}
        with self.current():
            self._stream = driver.Stream()
            self._pool = pool.DeviceMemoryPool()

    @classmethod
    def open(cls, *, index: int = 0) -> CudaMemory:
        """Opens a GPU and creates its context.

        Raises:
            ImportError: pycuda is not installed.
            ProviderError: The driver reports an error.
        """
        import pycuda.driver as driver
        import pycuda.tools as tools

        try:
            driver.init()
            return cls(driver, tools, index=index)
        except driver.Error as error:
            raise ProviderError(f"the GPU could not be opened: {error}") from error

    @contextmanager
    def current(self) -> Iterator[None]:
        """Makes the GPU's context current in this thread.

        Raises:
            ProviderError: The driver reports an error inside the context, such as too little memory.
        """
        self._context.push()
        try:
            yield
        except self._driver.Error as error:
            raise ProviderError(f"the GPU failed: {error}") from error
        finally:
            self._context.pop()

    @property
    def stream_handle(self) -> int:
        """The stream's address."""
        return int(self._stream.handle)

    def wait_for_others(self, tensors: Iterable[DeviceTensor]) -> None:
        """Waits until tensors of other libraries are written."""
        if any(tensor.stream != self.stream_handle for tensor in tensors):
            self._context.synchronize()

    def free_bytes(self) -> int:
        """Free GPU memory in bytes."""
        with self.current():
            free, _ = self._driver.mem_get_info()
        return int(free)

    def empty(self, shape: tuple[int, ...], dtype: str) -> DeviceTensor:
        """Allocates a tensor without initialising it."""
        size = max(1, prod(shape) * np.dtype(dtype).itemsize)
        memory = self._pool.allocate(size)
        return DeviceTensor(int(memory), shape, dtype, memory, self.stream_handle)

    def upload(self, array: Array) -> DeviceTensor:
        """Copies an array to the GPU through pinned memory, asynchronously."""
        with self.current():
            tensor = self.empty(array.shape, str(array.dtype))
            staging = self._pinned(tensor.nbytes, direction=0)
            self._stream.synchronize()  # the previous copy may still read the staging buffer
            staging[: tensor.nbytes] = np.asarray(array, order="C").reshape(-1).view(np.uint8)
            self._driver.memcpy_htod_async(tensor.address, staging[: tensor.nbytes], self._stream)
        return tensor

    def download(self, tensor: DeviceTensor) -> Array:
        """Copies a tensor to a new array; waits until the copy is done."""
        with self.current():
            staging = self._pinned(tensor.nbytes, direction=1)[: tensor.nbytes]
            self._driver.memcpy_dtoh_async(staging, tensor.address, self._stream)
            self._stream.synchronize()
        result: Array = staging.copy().view(tensor.dtype).reshape(tensor.shape)
        return result

    def _pinned(self, size: int, *, direction: int) -> Any:
        capacity = 1 << max(12, (size - 1).bit_length())
        key = (direction, capacity)
        if key not in self._staging:
            self._staging[key] = self._driver.pagelocked_empty(capacity, np.uint8)
        return self._staging[key]


class CudaGraphs:
    """CUDA graphs of inferences, each replayed by one call; uses libcuda, because pycuda has no graphs.

    Args:
        memory: The GPU.
    """

    def __init__(self, memory: CudaMemory) -> None:
        self._memory = memory
        self._library = ctypes.CDLL("libcuda.so.1")
        self._graphs: OrderedDict[Hashable, ctypes.c_void_p] = OrderedDict()
        self._refused = False

    def replay(self, key: Hashable) -> bool:
        """Queues a captured inference; returns False when there is none."""
        graph = self._graphs.get(key)
        if graph is None:
            return False
        self._graphs.move_to_end(key)
        return bool(self._library.cuGraphLaunch(graph, self._stream()) == 0)

    def capture(self, key: Hashable, enqueue: Callable[[], object]) -> None:
        """Captures the work that `enqueue` queues; if that fails, it runs uncaptured from then on."""
        if self._refused:
            return
        library, stream = self._library, self._stream()
        graph, executable = ctypes.c_void_p(), ctypes.c_void_p()
        self._refused = True
        if library.cuStreamBeginCapture_v2(stream, RELAXED) != 0:
            return
        enqueue()
        if library.cuStreamEndCapture(stream, ctypes.byref(graph)) != 0 or not graph:
            return
        if library.cuGraphInstantiateWithFlags(ctypes.byref(executable), graph, ctypes.c_ulonglong(0)) == 0:
            self._graphs[key] = executable
            self._refused = False
        library.cuGraphDestroy(graph)
        while len(self._graphs) > KEPT_GRAPHS:
            library.cuGraphExecDestroy(self._graphs.popitem(last=False)[1])

    def clear(self) -> None:
        """Frees all graphs."""
        while self._graphs:
            self._library.cuGraphExecDestroy(self._graphs.popitem()[1])

    def _stream(self) -> ctypes.c_void_p:
        return ctypes.c_void_p(self._memory.stream_handle)


def _strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    return tuple(itemsize * prod(shape[axis + 1 :]) for axis in range(len(shape)))
