"""Sessions: each runs one model on one backend. `open_session` chooses the backend.

path ── *.plan, *.engine ──────────────► tensorrt (native)
     └─ *.onnx ── named provider ──────► that backend, proved by one inference, or ProviderError
               └─ auto ────────────► the first of a list that proves itself; `session.reason` says why
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

from ..errors import InputError, ProviderError, UsageError, check_known
from .base import DeviceSession, Session, SessionOptions, TensorInfo, TwinSession
from .fake import FakeSession
from .probe import agrees, probe_feeds

__all__ = [
    "BACKENDS",
    "DeviceSession",
    "FakeSession",
    "Session",
    "SessionOptions",
    "TensorInfo",
    "TwinSession",
    "open_session",
]


Opener = Callable[[Path, str, SessionOptions], Session]

# provider -> module of this package with `open_model(path, provider, options) -> Session`.
# It raises ProviderError, with the missing library and the fix, when it cannot run here.
BACKENDS: dict[str, str] = {
    "tensorrt": "onnxruntime",
    "cuda": "onnxruntime",
    "openvino": "openvino",
    "cpu": "onnxruntime",
}
PLAN_BACKEND = "tensorrt"
PLAN_SUFFIXES = frozenset({".plan", ".engine"})

# TensorRT takes minutes to build an engine, so `auto` never chooses it. OpenVINO compiles a model for every frame
# size, which pays off for many frames of one size, not for single pictures.
AUTO_ORDER = ("cuda", "cpu", "openvino")
AUTO_ORDER_STEADY = ("cuda", "openvino", "cpu")


def open_session(
    path: str | os.PathLike[str],
    *,
    provider: str = "auto",
    threads: int | None = None,
    size: tuple[int, int] | None = None,
    steady: bool = False,
    precision: str = "fp32",
    at_once: int = 1,
) -> Session:
    """Opens a model on a backend and checks it by one inference.

    Args:
        path: An ONNX file, or a TensorRT plan.
        provider: "cpu", "cuda", "tensorrt", "openvino", or "auto"; $ARTRT_PROVIDER overrides "auto".
        threads: Threads of one inference on a CPU; None uses all cores that this process may use.
        size: (height, width) of the expected frames in pixels, when known.
        steady: Many frames of one size are expected: auto may choose a backend that compiles for it.
        precision: "fp32", or "bf16" for OpenVINO; other backends stay in fp32.
        at_once: Number of inferences that may run at the same time, where the backend is a `TwinSession`.

    Returns:
        An open session; `provider` and `reason` say what was chosen and why.

    Raises:
        InputError: The file is missing.
        ProviderError: The named provider cannot run the model here; or, for auto, none can.
        UsageError: Unknown provider.
    """
    model = Path(path)
    if not model.is_file():
        raise InputError(f"no model file {model}")
    options = SessionOptions(threads, size, steady, precision, at_once)
    name = resolve_provider(provider)
    if model.suffix in PLAN_SUFFIXES:
        if name not in ("auto", "tensorrt"):
            raise UsageError(f"{model.name} is a TensorRT engine and cannot run on provider '{name}'")
        return _module(PLAN_BACKEND)(model, "tensorrt", options)
    if name != "auto":
        return _module(BACKENDS[name])(model, name, options)
    return _open_first(model, options)


def resolve_provider(provider: str) -> str:
    """The provider to use: the argument, else $ARTRT_PROVIDER, else "auto".

    Raises:
        UsageError: Unknown name.
    """
    name = provider if provider != "auto" else os.environ.get("ARTRT_PROVIDER") or "auto"
    check_known("provider", name, ["auto", *BACKENDS])
    return name


def _open_first(model: Path, options: SessionOptions) -> Session:
    refusals: list[str] = []
    for name in AUTO_ORDER_STEADY if options.steady else AUTO_ORDER:
        try:
            _require_worthwhile(name, model)
            session = _module(BACKENDS[name])(model, name, options)
        except ProviderError as error:
            refusals.append(f"{name}: {str(error).partition('; ')[0]}")
            continue
        difference = _difference_from_cpu(session, model, options) if name != "cpu" else None
        if difference is not None:
            session.close()
            refusals.append(f"{name}: {difference}")
            continue
        session.reason = "chosen automatically" + "".join(f"; not {refusal}" for refusal in refusals)
        return session
    raise ProviderError("no provider can run this model here; " + "; ".join(refusals))


def _require_worthwhile(name: str, model: Path) -> None:
    """Raises ProviderError if a backend could run the model, but slower than the next one."""
    if name != "openvino" or importlib.util.find_spec("openvino") is None:
        return
    from .openvino import reluctance

    reason = reluctance(model)
    if reason is not None:
        raise ProviderError(reason)


def _difference_from_cpu(session: Session, model: Path, options: SessionOptions) -> str | None:
    """How the results differ from ONNX Runtime on the CPU; None if they agree or cannot be compared."""
    try:
        reference = _module(BACKENDS["cpu"])(model, "cpu", options)
    except ProviderError:
        return None
    with reference:
        # OpenVINO compiles for one size; for others a small picture shows the same.
        feeds = probe_feeds(reference, size=options.size if session.provider == "openvino" else None)
        return agrees(session.run(feeds), reference.run(feeds))


def _module(name: str) -> Callable[[Path, str, SessionOptions], Session]:
    opener: Opener = importlib.import_module(f".{name}", __package__).open_model
    return opener
