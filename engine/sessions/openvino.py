"""OpenVINO: the fastest CPU backend for these networks, an optional extra.

OpenVINO is a third slower with dynamic shapes, so a model is compiled for every set of input shapes, and for every
value of a control that sets sizes inside the graph (one or two seconds, cached on disk); the latest few are kept. On
processors with bfloat16 OpenVINO reduces precision by default, so the precision is set explicitly.
"""

from __future__ import annotations

import copy
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np

from ..closing import Closing
from ..errors import ArtrtError, ContractError, ProviderError
from ..files import cache_folder, writable_cache
from ..stage_spec import METADATA_KEY, SIZING_CONTROLS
from .base import Array, SessionOptions, TensorInfo
from .limits import usable_cores
from .probe import prove

Form = tuple[object, ...]
"""What a model is compiled for: the shape of every input, and the values of those that set sizes."""
KEPT_FORMS = 4
REPORTER = "openvino_telemetry"
PRECISIONS = {"fp32": "f32", "bf16": "bf16"}
"""Name of a precision -> OpenVINO's name."""


class OpenVinoSession(Closing):
    """One model in OpenVINO.

    Args:
        model: An `openvino.Model`.
        settings: Properties to compile with.
        at_once: Number of threads that may run it at the same time, each with a twin.
    """

    provider = "openvino"

    def __init__(self, model: Any, *, settings: Mapping[str, Any], at_once: int = 1) -> None:
        self.at_once = at_once
        self._compiler: _Compiler | None = _Compiler(model, settings)
        self._requests: OrderedDict[Form, Any] = OrderedDict()
        self.reason = "openvino was requested"
        self.inputs: Mapping[str, TensorInfo] = {port.any_name: _info(port) for port in model.inputs}
        self.outputs: Mapping[str, TensorInfo] = {port.any_name: _info(port) for port in model.outputs}
        self.metadata: Mapping[str, str] = _metadata(model)

    def run(self, feeds: Mapping[str, Array], outputs: Sequence[str] | None = None) -> dict[str, Array]:
        """Runs the model once; the caller owns the output arrays."""
        if self._compiler is None:
            raise RuntimeError("this session is closed")
        if set(feeds) != set(self.inputs):
            raise ContractError(f"inputs are {sorted(self.inputs)}, got {sorted(feeds)}")
        with translated_errors():
            arrays = {name: np.asarray(array, order="C") for name, array in feeds.items()}
            sizing = {name: arrays.pop(name) for name in SIZING_CONTROLS & self.inputs.keys()}
            request = self._request(self._compiler, arrays, sizing)
            results = request.infer(arrays, share_inputs=True)  # the results are copied once
            return {name: results[name] for name in outputs or self.outputs}

    def _request(self, compiler: _Compiler, arrays: Mapping[str, Array], sizing: Mapping[str, Array]) -> Any:
        """The inference request of the model compiled for these shapes and values."""
        shapes = {name: array.shape for name, array in arrays.items()}
        form = (*sorted(shapes.items()), *((name, array.tobytes()) for name, array in sorted(sizing.items())))
        if form not in self._requests:
            self._requests[form] = compiler(form, shapes, sizing).create_infer_request()
            while len(self._requests) > KEPT_FORMS:
                self._requests.popitem(last=False)
        self._requests.move_to_end(form)
        return self._requests[form]

    def twin(self) -> OpenVinoSession:
        """A session of the same loaded model, for one more thread."""
        twin = copy.copy(self)
        twin._requests = OrderedDict()
        return twin

    def close(self) -> None:
        """Frees the model when its last twin is closed."""
        self._compiler = None
        self._requests.clear()


class _Compiler:
    """Compiles a model once for every form, for all twins of a session."""

    def __init__(self, model: Any, settings: Mapping[str, Any]) -> None:
        self._model, self._settings = model, dict(settings)
        self._lock = threading.Lock()
        self._compiled: OrderedDict[Form, Any] = OrderedDict()

    def __call__(self, form: Form, shapes: Mapping[str, tuple[int, ...]], sizing: Mapping[str, Array]) -> Any:
        """The model compiled for these shapes and values."""
        with self._lock:
            if form not in self._compiled:
                model = self._model.clone()
                for name, value in sizing.items():
                    _fix(model, name, value)
                model.reshape({name: list(shape) for name, shape in shapes.items()})
                self._compiled[form] = _openvino().Core().compile_model(model, "CPU", self._settings)
                while len(self._compiled) > KEPT_FORMS:
                    self._compiled.popitem(last=False)
            self._compiled.move_to_end(form)
            return self._compiled[form]


def open_model(path: Path, provider: str, options: SessionOptions) -> OpenVinoSession:
    """Opens an ONNX file and checks it by one inference.

    Args:
        path: ONNX file.
        provider: "openvino".
        options: Threads and frame size.

    Raises:
        ProviderError: OpenVINO is not installed, or cannot run the model.
    """
    core = _openvino().Core()
    with translated_errors():
        model = core.read_model(str(path))
        cache = writable_cache("openvino")
        session = OpenVinoSession(model, settings=_settings(options, cache), at_once=options.at_once)
        if cache is None:
            session.reason += f"; nothing is cached: {cache_folder('openvino')} cannot be written"
        prove(session, size=options.size)
    return session


def reluctance(path: Path) -> str | None:
    """Why `auto` should prefer ONNX Runtime for a model, or None.

    OpenVINO takes many seconds to compile graphs with several branches (k-means, SLIC), and runs them at half speed.
    """
    openvino = _openvino()
    with translated_errors():
        branches = sum(op.get_type_name() == "If" for op in openvino.Core().read_model(str(path)).get_ops())
    return f"{branches} branches, on which ONNX Runtime is faster" if branches > 1 else None


def capabilities() -> tuple[str, ...]:
    """OpenVINO's capabilities on this processor, such as "FP32", "BF16" and "INT8".

    Raises:
        ProviderError: OpenVINO is not installed.
    """
    return tuple(_property("OPTIMIZATION_CAPABILITIES"))


def processor() -> str:
    """The processor's name.

    Raises:
        ProviderError: OpenVINO is not installed.
    """
    return str(_property("FULL_DEVICE_NAME"))


def _property(name: str) -> Any:
    with translated_errors():
        return _openvino().Core().get_property("CPU", name)


@contextmanager
def _hidden(package: str) -> Iterator[None]:
    """A context in which a package cannot be imported, unless it was imported before."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = cast(ModuleType, None)  # Python's way to say so
    try:
        yield
    finally:
        del sys.modules[package]


def _openvino() -> Any:
    """The module. Its import reports itself to a web service, except where the package that does so is missing."""
    try:
        with _hidden(REPORTER):
            import openvino
    except ImportError as error:
        raise ProviderError("openvino is not installed: pip install 'artrt[openvino]'") from error
    return openvino


def _fix(model: Any, name: str, value: Array) -> None:
    """Makes an input a constant."""
    from openvino import opset13

    parameter = model.input(name).get_node()
    constant = opset13.constant(value).output(0)
    for reader in parameter.output(0).get_target_inputs():
        reader.replace_source_output(constant)
    model.remove_parameter(parameter)


def _settings(options: SessionOptions, cache: Path | None) -> dict[str, Any]:
    return ({} if cache is None else {"CACHE_DIR": str(cache)}) | {
        "INFERENCE_PRECISION_HINT": PRECISIONS[options.precision],
        "INFERENCE_NUM_THREADS": options.threads or usable_cores(),
        "NUM_STREAMS": options.at_once,
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,  # decoding and encoding use the same cores
    }


def _metadata(model: Any) -> dict[str, str]:
    """The ONNX metadata, which OpenVINO stores under the framework's name."""
    if not model.has_rt_info(["framework", METADATA_KEY]):
        return {}
    return {METADATA_KEY: str(model.get_rt_info(["framework", METADATA_KEY]).astype(str))}


def _info(port: Any) -> TensorInfo:
    shape = tuple(
        dimension.get_length() if dimension.is_static else f"d{index}"
        for index, dimension in enumerate(port.get_partial_shape())
    )
    return TensorInfo(port.any_name, port.get_element_type().to_dtype().name, shape)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turns errors of OpenVINO into errors of artrt."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, ArtrtError):
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise ProviderError(f"openvino failed: {lines[-1][:300] if lines else error}") from error
