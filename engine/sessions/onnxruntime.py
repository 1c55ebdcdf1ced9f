"""ONNX Runtime: CPU, CUDA and its TensorRT execution provider.

A requested provider is checked: the session runs once under ONNX Runtime's profiler, and the trace says on which
provider every node ran. Tensors of the GPU providers can stay on the device (`run_on_device`).
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from ..closing import Closing
from ..errors import ArtrtError, ContractError, InputError, ProviderError
from ..files import writable_cache
from ..stage_spec import METADATA_KEY
from .base import Array, SessionOptions, TensorInfo
from .limits import usable_cores
from .machine import load_libraries
from .onnxruntime_profiles import profile_settings
from .onnxruntime_proof import EXECUTION_PROVIDERS, require_active, require_no_fallback, require_provider
from .probe import prove

ELEMENT_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}
# Threads that spin between two frames slow down decoding and encoding (benchmarks/end_to_end.py).
SPINNING = "0"
WARNINGS = 2
ERRORS_ONLY = 3
SILENT = 4


class OnnxRuntimeSession(Closing):
    """One model in ONNX Runtime.

    Args:
        session: An `onnxruntime.InferenceSession`.
        provider: "cpu", "cuda" or "tensorrt".
        reason: One line for the user.
        at_once: Number of threads that may run it at the same time, each with a twin.
    """

    def __init__(self, session: Any, *, provider: str, reason: str = "", at_once: int = 1) -> None:
        self._session = session
        self.at_once = at_once
        self.provider = provider
        self.reason = reason or f"{provider} was requested"
        self.inputs: Mapping[str, TensorInfo] = {node.name: _info(node) for node in session.get_inputs()}
        self.outputs: Mapping[str, TensorInfo] = {node.name: _info(node) for node in session.get_outputs()}
        self.metadata: Mapping[str, str] = dict(session.get_modelmeta().custom_metadata_map)
        self._device_type = "cpu" if provider == "cpu" else "cuda"

    @property
    def device(self) -> str:
        """Sessions with the same value can exchange tensors."""
        return f"ortvalue:{self._device_type}:0"

    def run(self, feeds: Mapping[str, Array], outputs: Sequence[str] | None = None) -> dict[str, Array]:
        """Runs the model once with arrays in and out."""
        names = list(outputs or self.outputs)
        with translated_errors():
            results = self._open().run(names, dict(feeds))
        return dict(zip(names, results, strict=True))

    def to_device(self, array: Array) -> Any:
        """Copies an array to the device."""
        import onnxruntime

        # On the CPU an OrtValue only refers to the array, which may change.
        own = np.array(array, order="C") if self._device_type == "cpu" else np.asarray(array, order="C")
        return onnxruntime.OrtValue.ortvalue_from_numpy(own, self._device_type, 0)

    def to_host(self, tensor: Any) -> Array:
        """Copies a device tensor to a new array."""
        array: Array = tensor.numpy()
        return array.copy() if self._device_type == "cpu" else array

    def run_on_device(self, feeds: Mapping[str, Any], outputs: Sequence[str] | None = None) -> dict[str, Any]:
        """Runs the model once; inputs and outputs are OrtValues on the device."""
        names = list(outputs or self.outputs)
        with translated_errors():
            binding = self._open().io_binding()
            for name, tensor in feeds.items():
                binding.bind_ortvalue_input(name, tensor)
            for name in names:
                binding.bind_output(name, self._device_type, 0)
            self._session.run_with_iobinding(binding)
            return dict(zip(names, binding.get_outputs(), strict=True))

    def twin(self) -> OnnxRuntimeSession:
        """A session of the same loaded model, for one more thread."""
        return OnnxRuntimeSession(
            self._open(), provider=self.provider, reason=self.reason, at_once=self.at_once
        )

    def close(self) -> None:
        """Frees the model when its last twin is closed."""
        self._session = None

    def _open(self) -> Any:
        if self._session is None:
            raise RuntimeError("this session is closed")
        return self._session


def open_model(path: Path, provider: str, options: SessionOptions) -> OnnxRuntimeSession:
    """Opens an ONNX file and checks that the provider runs it.

    Args:
        path: ONNX file.
        provider: "cpu", "cuda" or "tensorrt".
        options: Threads and frame size.

    Raises:
        ProviderError: ONNX Runtime or the provider's libraries are missing, or nodes fell back to the CPU.
        ContractError: Not an ONNX model, or one that ONNX Runtime cannot load.
    """
    require_provider(provider)
    if provider == "cpu":
        session = OnnxRuntimeSession(
            _load(path, provider, options), provider=provider, at_once=options.at_once
        )
        prove(session, size=options.size)
        return session
    with tempfile.TemporaryDirectory(prefix="artrt-proof-") as folder:
        loading = load_libraries()
        with _silent_loader():
            native = _load(path, provider, options, profile=Path(folder) / "trace")
        require_active(native.get_providers(), provider, loading=loading)
        session = OnnxRuntimeSession(native, provider=provider)
        prove(session, size=options.size)
        session.reason = require_no_fallback(Path(native.end_profiling()), provider)
    return session


def _load(path: Path, provider: str, options: SessionOptions, *, profile: Path | None = None) -> Any:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = SILENT if provider != "cpu" else ERRORS_ONLY
    # Every thread that calls computes too, beside the session's own.
    own_threads = (options.threads or usable_cores()) - options.at_once
    settings.intra_op_num_threads = max(0, own_threads) + 1
    settings.inter_op_num_threads = 1
    # Memory patterns allocate a second block after the first run: 4K took 880 MB instead of 530, at the same speed.
    settings.enable_mem_pattern = provider != "cpu"
    settings.add_session_config_entry("session.intra_op.allow_spinning", SPINNING)
    if profile is not None:
        settings.enable_profiling = True
        settings.profile_file_prefix = str(profile)
    chain = [(EXECUTION_PROVIDERS[name], _provider_settings(name)) for name in _fallbacks(provider)]
    with translated_errors(path):
        if provider == "tensorrt":
            chain[0][1].update(_profiles(path, options))
        return onnxruntime.InferenceSession(str(path), settings, providers=chain)


@contextmanager
def _silent_loader() -> Iterator[None]:
    """Stops ONNX Runtime from printing about libraries that it cannot load: the error says it in one line."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(SILENT)
    try:
        with redirect_stdout(io.StringIO()):  # it prints fall-backs here
            yield
    finally:
        onnxruntime.set_default_logger_severity(WARNINGS)


def _fallbacks(provider: str) -> list[str]:
    return {"cpu": ["cpu"], "cuda": ["cuda", "cpu"], "tensorrt": ["tensorrt", "cuda", "cpu"]}[provider]


def _provider_settings(name: str) -> dict[str, str]:
    if name == "cuda":
        # TF32 has 10 bits: `quantize` found other colours on an H100. An exhaustive search of convolutions takes long
        # for every new frame size.
        return {"cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}
    if name != "tensorrt":
        return {}
    cache = writable_cache("onnxruntime-tensorrt")
    if cache is None:
        return {}
    return {
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": str(cache),
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": str(cache),
    }


def _profiles(path: Path, options: SessionOptions) -> dict[str, str]:
    """Settings for one engine that accepts a range of sizes; reads the model without building an engine."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = ERRORS_ONLY
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    plain = onnxruntime.InferenceSession(str(path), settings, providers=[EXECUTION_PROVIDERS["cpu"]])
    metadata = plain.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
    return profile_settings(map(_info, plain.get_inputs()), metadata, size=options.size)


def _info(node: Any) -> TensorInfo:
    shape = tuple(length if isinstance(length, int) else str(length) for length in node.shape)
    return TensorInfo(node.name, ELEMENT_TYPES.get(node.type, node.type), shape)


# Name of ONNX Runtime's error (older versions lack some) -> our error and message; others become ArtrtError.
NATIVE_MODULE = "onnxruntime.capi.onnxruntime_pybind11_state"
ERRORS: dict[str, tuple[type[ArtrtError], str]] = {
    "NoSuchFile": (InputError, "no model file"),
    "NoModel": (InputError, "no model"),
    "InvalidProtobuf": (ContractError, "not a valid ONNX model"),
    "InvalidGraph": (ContractError, "not a valid ONNX model"),
    "InvalidArgument": (ContractError, "the model was called wrongly"),
    "NotImplemented": (ProviderError, "this provider cannot run the model"),
    "EPFail": (ProviderError, "the provider failed"),
    "EngineError": (ProviderError, "the provider failed"),
    "DeviceReset": (ProviderError, "the device was reset"),
}


@contextmanager
def translated_errors(path: Path | None = None) -> Iterator[None]:
    """Turns every error of ONNX Runtime into an error of artrt.

    Args:
        path: The model that is being loaded, or None while one runs.
    """
    try:
        yield
    except Exception as error:
        if type(error).__module__ != NATIVE_MODULE:
            raise
        kind, meaning = ERRORS.get(type(error).__name__, (ArtrtError, "onnxruntime failed"))
        where = f"{path}: " if path is not None else ""
        raise kind(f"{where}{meaning}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300]
