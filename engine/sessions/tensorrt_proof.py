"""Checks native TensorRT without a model and without ONNX Runtime, by an engine of one layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ProviderError
from .cuda_memory import CudaMemory
from .machine import require_cuda_driver
from .tensorrt import TensorRtSession, missing_packages

LENGTH = 64


def prove_tensorrt() -> str:
    """Builds an engine that copies its input, and runs it.

    Returns:
        One line: TensorRT's version and the GPU.

    Raises:
        ProviderError: No GPU, TensorRT or pycuda; or they do not work together.
    """
    require_cuda_driver()
    with missing_packages():
        import tensorrt as trt

        memory = CudaMemory.open()
    try:
        with memory.current():
            engine = _copying_engine(trt)
    except RuntimeError as error:
        raise ProviderError(f"TensorRT {trt.__version__} failed: {error}") from error
    if engine is None:
        raise ProviderError(f"TensorRT {trt.__version__} could not build an engine on {memory.gpu}")
    numbers = np.arange(LENGTH, dtype=np.float32)
    with TensorRtSession(engine, memory, metadata={}) as session:
        result = session.run({"given": numbers})["copied"]
    if not np.array_equal(result, numbers):
        raise ProviderError(f"TensorRT {trt.__version__} computed a wrong result on {memory.gpu}")
    return f"TensorRT {trt.__version__} on {memory.gpu}"


def network_flags(trt: Any) -> int:
    """The strongly-typed flag, for TensorRT versions that need it."""
    flag = getattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED", None)
    return 0 if flag is None else 1 << int(flag)


def _copying_engine(trt: Any) -> Any:
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(network_flags(trt))
    given = network.add_input("given", trt.DataType.FLOAT, (LENGTH,))
    layer = network.add_identity(given)
    copied = layer.get_output(0)
    copied.name = "copied"
    network.mark_output(copied)
    plan = builder.build_serialized_network(network, builder.create_builder_config())
    if plan is None:
        return None
    runtime = trt.Runtime(logger)
    return runtime.deserialize_cuda_engine(plan)
