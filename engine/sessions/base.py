"""The interface of a session, which runs one ONNX model on one backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Name and type of a model's input or output.

    Args:
        name: Name in the graph.
        dtype: NumPy name of the element type ("uint8", "float32").
        shape: Dimensions; a string is a free dimension, () a scalar.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """Options of a backend when it opens a model.

    Args:
        threads: Threads of one inference on a CPU; None leaves it to the backend.
        size: (height, width) of the expected frames in pixels, or None when unknown.
        steady: Many frames of one size are expected.
        precision: "fp32", or "bf16" for a backend that supports it (`openvino`).
        at_once: Number of inferences that may run at the same time, see `TwinSession`; they share the threads.
    """

    threads: int | None = None
    size: tuple[int, int] | None = None
    steady: bool = False
    precision: str = "fp32"
    at_once: int = 1


@runtime_checkable
class Session(Protocol):
    """One loaded model. Not thread-safe: one session belongs to one thread at a time."""

    @property
    def inputs(self) -> Mapping[str, TensorInfo]:
        """Inputs by name, in graph order."""

    @property
    def outputs(self) -> Mapping[str, TensorInfo]:
        """Outputs by name, in graph order."""

    @property
    def provider(self) -> str:
        """Short name of the backend that runs it: cpu, cuda, tensorrt, openvino, fake."""

    reason: str
    """One line: why this provider was chosen, and why no faster one."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """The model's metadata."""

    def run(self, feeds: Mapping[str, Array], outputs: Sequence[str] | None = None) -> dict[str, Array]:
        """Runs the model once.

        Args:
            feeds: One array per input, of the input's dtype.
            outputs: Names of the requested outputs; all when None.

        Returns:
            The requested outputs by name; the caller owns the arrays.
        """

    def close(self) -> None:
        """Frees the backend's resources; may be called twice."""

    def __enter__(self) -> Session:
        """Enters a context that closes the session at its end."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the session."""


@runtime_checkable
class TwinSession(Session, Protocol):
    """A session whose model several threads can run at the same time, each with a twin of its own.

    Inferences on one core each finish more frames per second than one inference on all cores, because no core waits
    for another between two operators; each frame takes longer.
    """

    at_once: int
    """Number of inferences that it was opened for."""

    def twin(self) -> Session:
        """A session of the same loaded model, for one more thread. Closing either does not close the other."""


@runtime_checkable
class DeviceSession(Session, Protocol):
    """A session whose tensors can stay on the device from one stage to the next.

    Device tensors are opaque handles. Sessions with the same `device` accept each other's handles, so a chain uploads
    its frame once and downloads its picture once.
    """

    @property
    def device(self) -> str:
        """Kind of handle and device: "ortvalue:cuda:0". Sessions with equal strings can exchange handles."""

    def to_device(self, array: Array) -> Any:
        """Copies an array to the device and returns its handle."""

    def to_host(self, tensor: Any) -> Array:
        """Copies a device tensor to the host; the caller owns the array."""

    def run_on_device(self, feeds: Mapping[str, Any], outputs: Sequence[str] | None = None) -> dict[str, Any]:
        """Like `run`, with handles as inputs and outputs; the input handles stay valid."""
