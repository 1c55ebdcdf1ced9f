"""Native TensorRT with pycuda: one stream, preallocated buffers, CUDA graphs, states on the device.

Ownership: a tensor of `to_device` lives as long as its handle. Outputs alternate between two sets of buffers, so an
output handle stays valid during the next run, which may read it as its state or frame, and is overwritten by the
run after that. `to_host` copies.

    run n     frame_n,   state in set A ──► output, state in set B
    run n+1   frame_n+1, state in set B ──► output, state in set A
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..closing import Closing
from ..errors import ContractError, ProviderError, UsageError
from .base import Array, SessionOptions, TensorInfo
from .cuda_memory import CudaGraphs, CudaMemory, DeviceTensor
from .machine import require_cuda_driver
from .plan import TENSORRT_FIX, Device, read_sidecar, require_fit, this_machine
from .probe import prove

DTYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "UINT8": "uint8",
    "INT8": "int8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
}
Shapes = tuple[tuple[int, ...], ...]


class TensorRtSession(Closing):
    """One engine.

    Args:
        engine: A `tensorrt.ICudaEngine`.
        memory: The GPU's memory and stream.
        metadata: The stage contract from the plan's sidecar.
        graphs: Whether to use CUDA graphs.
    """

    provider = "tensorrt"

    def __init__(
        self, engine: Any, memory: CudaMemory, *, metadata: Mapping[str, str], graphs: bool = True
    ) -> None:
        import tensorrt as trt

        self._memory = memory
        self._engine = engine
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        modes = {name: engine.get_tensor_mode(name) for name in names}
        infos = {name: _info(engine, name) for name in names}
        self.inputs: Mapping[str, TensorInfo] = {
            name: infos[name] for name in names if modes[name] == trt.TensorIOMode.INPUT
        }
        self.outputs: Mapping[str, TensorInfo] = {
            name: infos[name] for name in names if modes[name] == trt.TensorIOMode.OUTPUT
        }
        self.metadata = metadata
        self.reason = "tensorrt was requested"
        with memory.current():
            self._context = engine.create_execution_context()
        self._graphs = CudaGraphs(memory) if graphs else None
        self._outputs: OrderedDict[Shapes, list[dict[str, DeviceTensor]]] = OrderedDict()
        self._shapes: Shapes | None = None
        self._turn = 0

    @property
    def device(self) -> str:
        """Sessions on the same GPU can exchange tensors."""
        return self._memory.name

    def to_device(self, array: Array) -> DeviceTensor:
        """Copies an array to the GPU."""
        return self._memory.upload(array)

    def to_host(self, tensor: DeviceTensor) -> Array:
        """Copies a tensor to a new array, after all queued work is done."""
        return self._memory.download(tensor)

    def run(self, feeds: Mapping[str, Array], outputs: Sequence[str] | None = None) -> dict[str, Array]:
        """Runs the engine once with arrays in and out."""
        results = self.run_on_device({name: self.to_device(array) for name, array in feeds.items()}, outputs)
        return {name: self.to_host(tensor) for name, tensor in results.items()}

    def run_on_device(self, feeds: Mapping[str, Any], outputs: Sequence[str] | None = None) -> dict[str, Any]:
        """Queues one run. Inputs are contiguous objects with `__cuda_array_interface__`.

        Raises:
            ContractError: An input is missing or unknown.
            UsageError: A size outside the range that the engine was built for.
        """
        if self._context is None:
            raise RuntimeError("this session is closed")
        if set(feeds) != set(self.inputs):
            raise ContractError(f"inputs are {sorted(self.inputs)}, got {sorted(feeds)}")
        tensors = {name: _fitting(DeviceTensor.of(feeds[name]), info) for name, info in self.inputs.items()}
        with self._memory.current():
            self._memory.wait_for_others(tensors.values())
            self._set_shapes(tensors)
            results = self._result_set(tuple(tensors[name].shape for name in self.inputs))
            self._launch({**tensors, **results})
        return {name: results[name] for name in outputs or self.outputs}

    def close(self) -> None:
        """Frees the engine, its buffers and graphs."""
        with self._memory.current():
            if self._graphs is not None:
                self._graphs.clear()
            self._outputs.clear()
            self._context = None
            self._engine = None

    def _set_shapes(self, tensors: Mapping[str, DeviceTensor]) -> None:
        shapes = tuple(tensors[name].shape for name in self.inputs)
        if shapes == self._shapes:
            return
        for name, tensor in tensors.items():
            if not self._context.set_input_shape(name, tensor.shape):
                raise UsageError(
                    f"the engine does not take '{name}' of {list(tensor.shape)}; {self._range(name)}"
                )
        missing = self._context.infer_shapes()
        if missing:
            raise ContractError(f"the engine lacks shapes of {', '.join(missing)}")
        self._shapes = shapes

    def _range(self, name: str) -> str:
        low, best, high = (list(shape) for shape in self._engine.get_tensor_profile_shape(name, 0))
        return f"it was built for {low} to {high}, best {best}: export it for this size"

    def _result_set(self, shapes: Shapes) -> dict[str, DeviceTensor]:
        """The output buffers of this run, allocated when these shapes are used for the first time."""
        if shapes not in self._outputs:
            self._outputs[shapes] = [self._allocate(), self._allocate()]
            while len(self._outputs) > 2:
                self._outputs.popitem(last=False)
                if self._graphs is not None:
                    self._graphs.clear()
        self._turn = 1 - self._turn
        return self._outputs[shapes][self._turn]

    def _allocate(self) -> dict[str, DeviceTensor]:
        return {
            name: self._memory.empty(tuple(self._context.get_tensor_shape(name)), info.dtype)
            for name, info in self.outputs.items()
        }

    def _launch(self, tensors: Mapping[str, DeviceTensor]) -> None:
        """Queues the inference; replays a CUDA graph if these addresses and shapes were captured before."""
        key = (self._shapes, tuple(tensor.address for tensor in tensors.values()))
        if self._graphs is not None and self._graphs.replay(key):
            return
        for name, tensor in tensors.items():
            self._context.set_tensor_address(name, tensor.address)
        if not self._context.execute_async_v3(self._memory.stream_handle):
            raise ProviderError("TensorRT could not run the engine")
        if self._graphs is not None:
            self._graphs.capture(key, lambda: self._context.execute_async_v3(self._memory.stream_handle))


def open_model(path: Path, provider: str, options: SessionOptions) -> TensorRtSession:
    """Opens a plan: checks its sidecar and this machine, then runs one inference.

    Args:
        path: The plan; its sidecar is in the same folder.
        provider: "tensorrt".
        options: Frame size.

    Raises:
        IntegrityError: The plan or its sidecar was changed.
        ProviderError: No GPU, TensorRT or pycuda; or the engine was built for another machine.
    """
    sidecar = read_sidecar(path)
    require_cuda_driver()
    with missing_packages():
        import tensorrt as trt

        memory = CudaMemory.open()
    require_fit(sidecar, this_device(memory), plan=path)
    logger = trt.Logger(trt.Logger.ERROR)
    runtime = trt.Runtime(logger)
    if "version" in sidecar.compatible:
        runtime.engine_host_code_allowed = True
    with memory.current():
        engine = runtime.deserialize_cuda_engine(path.read_bytes())
    if engine is None:
        raise ProviderError(
            f"TensorRT {trt.__version__} could not load {path.name}: build it again: {sidecar.rebuild}"
        )
    session = TensorRtSession(engine, memory, metadata=sidecar.metadata)
    prove(session, size=options.size or sidecar.shapes["optimum"])
    return session


def this_device(memory: CudaMemory) -> Device:
    """The GPU and software of this machine."""
    import tensorrt as trt

    return Device(
        gpu=memory.gpu,
        compute_capability=memory.compute_capability,
        tensorrt=trt.__version__,
        cuda_driver=memory.driver,
        machine=this_machine(),
    )


@contextlib.contextmanager
def missing_packages() -> Iterator[None]:
    """Turns a missing package into a ProviderError that says how to install it."""
    try:
        yield
    except ImportError as error:
        raise ProviderError(f"{error.name or error} is missing: {TENSORRT_FIX}") from error


def _fitting(tensor: DeviceTensor, info: TensorInfo) -> DeviceTensor:
    """Reshapes a scalar to the one-element vector that engines use for it."""
    return replace(tensor, shape=(1,)) if tensor.shape == () and info.shape == (1,) else tensor


def _info(engine: Any, name: str) -> TensorInfo:
    shape = tuple(
        length if length >= 0 else f"d{index}" for index, length in enumerate(engine.get_tensor_shape(name))
    )
    kind = engine.get_tensor_dtype(name).name
    return TensorInfo(name, str(np.dtype(DTYPES.get(kind, kind.lower()))), shape)
