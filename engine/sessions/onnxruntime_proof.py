"""Checks that ONNX Runtime really runs a model on the requested provider."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ProviderError
from .machine import GPU_FIX, missing_library, require_cuda_driver, require_one_onnxruntime

EXECUTION_PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
SHARED_LIBRARIES = {
    "cuda": "libonnxruntime_providers_cuda.so",
    "tensorrt": "libonnxruntime_providers_tensorrt.so",
}
FIXES = {"cuda": GPU_FIX, "tensorrt": "pip install 'artrt[gpu]' 'tensorrt>=10,<11'"}
# Parts of the names of operators that must not run on the CPU when a GPU was requested (Conv also matches FusedConv,
# QLinearConv, ConvInteger). Shape arithmetic on the CPU is normal.
HEAVY = re.compile(
    "Conv|MatMul|Gemm|Einsum|Attention|Normalization|Pool|Resize|Upsample|GridSample|QLinear|Softmax|ArgM|TopK|Pad|"
    "DepthToSpace|SpaceToDepth|Reduce(Mean|Sum|L[12])|LSTM|GRU|RNN"
)


def require_provider(provider: str) -> None:
    """Checks that ONNX Runtime is installed with this provider, and that the driver works.

    Raises:
        ProviderError: Names what is missing, and the fix.
    """
    if provider != "cpu":
        require_cuda_driver()  # first, before large imports
    try:
        import onnxruntime
    except ImportError as error:
        extra = "cpu" if provider == "cpu" else "gpu"
        raise ProviderError(f"onnxruntime is not installed; pip install 'artrt[{extra}]'") from error
    if provider == "cpu":
        return
    require_one_onnxruntime()
    wanted = EXECUTION_PROVIDERS[provider]
    if wanted not in onnxruntime.get_available_providers():
        raise ProviderError(f"the installed onnxruntime {onnxruntime.__version__} has no {wanted}; {GPU_FIX}")


def require_active(active: Sequence[str], provider: str, *, loading: str = "") -> None:
    """Checks that ONNX Runtime kept the requested provider.

    Args:
        active: Providers of the session.
        provider: "cuda" or "tensorrt".
        loading: Messages about libraries that could not be loaded.

    Raises:
        ProviderError: It fell back to another one; the message names the missing library.
    """
    import onnxruntime

    wanted = EXECUTION_PROVIDERS[provider]
    if wanted in active:
        return
    library = Path(onnxruntime.__file__).parent / "capi" / SHARED_LIBRARIES[provider]
    cause = missing_library(library) or loading or f"onnxruntime fell back to {', '.join(active)}"
    raise ProviderError(f"{wanted} cannot be started: {cause}; {FIXES[provider]}")


def where_nodes_ran(trace: Sequence[Mapping[str, Any]]) -> dict[str, Counter[str]]:
    """Reads ONNX Runtime's profile.

    Args:
        trace: Events of the profile.

    Returns:
        Execution provider -> operators that ran on it, counted by node.
    """
    nodes: dict[str, tuple[str, str]] = {}
    for event in trace:
        arguments = event.get("args", {})
        if event.get("cat") == "Node" and "provider" in arguments:
            nodes[event["name"]] = (arguments["provider"], arguments["op_name"])
    places: dict[str, Counter[str]] = {}
    for place, operator in nodes.values():
        places.setdefault(place, Counter())[operator] += 1
    return places


def require_no_fallback(trace_path: Path, provider: str) -> str:
    """Checks a profile for work that ran outside the provider.

    Returns:
        One line on where the nodes ran.

    Raises:
        ProviderError: No node ran on the provider, or heavy nodes ran on the CPU.
    """
    places = where_nodes_ran(json.loads(trace_path.read_text()))
    inside = places.pop(EXECUTION_PROVIDERS[provider], Counter())
    elsewhere = "; ".join(f"{place} {_listed(operators)}" for place, operators in places.items())
    heavy = any(HEAVY.search(operator) for operator in places.get(EXECUTION_PROVIDERS["cpu"], ()))
    if inside.total() == 0 or heavy:
        raise ProviderError(
            f"{provider} ran {inside.total()} nodes, {elsewhere}; use another provider, or export for this one"
        )
    return f"{provider} was requested; it runs {inside.total()} nodes" + (
        f", {elsewhere}" if elsewhere else ""
    )


def _listed(operators: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in operators.most_common(6))
