"""Where ONNX Runtime really runs a model: the checks behind a named provider."""

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
# Work that must not land on the CPU when a GPU was asked for, by parts of the operators' names, because kinds of one
# work have many (FusedConv, QLinearConv, ConvInteger); shape arithmetic there is normal.
HEAVY = re.compile(
    "Conv|MatMul|Gemm|Einsum|Attention|Normalization|Pool|Resize|Upsample|GridSample|QLinear|Softmax|ArgM|TopK|Pad|"
    "DepthToSpace|SpaceToDepth|Reduce(Mean|Sum|L[12])|LSTM|GRU|RNN"
)


def require_provider(provider: str) -> None:
    """Checks that ONNX Runtime is installed with this provider, and that there is a driver for it.

    Raises:
        ProviderError: Names what is missing, and the fix.
    """
    if provider != "cpu":
        require_cuda_driver()  # at once, before anything large is imported
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
    """Checks that ONNX Runtime kept the provider that was asked for.

    Args:
        active: Providers of the session.
        provider: "cuda" or "tensorrt".
        loading: What was said while libraries were loaded.

    Raises:
        ProviderError: It fell back to another one; names the library that was not found.
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
    """Checks a profile for work that left the provider.

    Returns:
        One line on where the nodes ran.

    Raises:
        ProviderError: None ran on the provider, or heavy ones ran on the CPU instead.
    """
    places = where_nodes_ran(json.loads(trace_path.read_text()))
    inside = places.pop(EXECUTION_PROVIDERS[provider], Counter())
    elsewhere = "; ".join(f"{place} {_listed(operators)}" for place, operators in places.items())
    heavy = any(HEAVY.search(operator) for operator in places.get(EXECUTION_PROVIDERS["cpu"], ()))
    if inside.total() == 0 or heavy:
        raise ProviderError(
            f"{provider} ran {inside.total()} nodes, {elsewhere}; use another provider, or export for this one"
        )
    return f"{provider} was asked for; it runs {inside.total()} nodes" + (
        f", {elsewhere}" if elsewhere else ""
    )


def _listed(operators: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in operators.most_common(6))
