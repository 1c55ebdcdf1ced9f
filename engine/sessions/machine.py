"""Checks the NVIDIA driver, shared libraries, and the installed onnxruntime wheels."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import io
from pathlib import Path

from ..errors import ProviderError

# Messages of ProviderError have the form "cause; fix".
GPU_FIX = "pip uninstall -y onnxruntime && pip install 'artrt[gpu]'"
ONNXRUNTIME_WHEELS = ("onnxruntime", "onnxruntime-gpu")


def installed_onnxruntimes() -> list[str]:
    """Names of the installed onnxruntime wheels; two wheels overwrite each other's files."""
    found = []
    for name in ONNXRUNTIME_WHEELS:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            importlib.metadata.version(name)
            found.append(name)
    return found


def require_one_onnxruntime() -> None:
    """Checks that at most one onnxruntime wheel is installed.

    Raises:
        ProviderError: Both are installed; the message says how to repair it.
    """
    if len(installed_onnxruntimes()) > 1:
        raise ProviderError(
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other; "
            "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'artrt[gpu]'"
        )


def require_cuda_driver() -> None:
    """Checks that the NVIDIA driver is installed and finds a GPU.

    Raises:
        ProviderError: No driver library, or no device.
    """
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise ProviderError(
            "no NVIDIA driver (libcuda.so.1 is not on the loader's path); install it, in a container run with "
            "--gpus all, or use --provider cpu"
        ) from error
    count = ctypes.c_int(0)
    status = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if status != 0 or count.value == 0:
        raise ProviderError(f"the NVIDIA driver sees no GPU (cuInit status {status}); check nvidia-smi")


def load_libraries() -> str:
    """Loads CUDA and cuDNN from their Python wheels, if this onnxruntime supports it.

    Returns:
        The messages of onnxruntime about libraries that it could not load, on one line; empty on success.
    """
    import onnxruntime

    if not hasattr(onnxruntime, "preload_dlls"):
        return ""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        onnxruntime.preload_dlls()
    return " ".join(said.getvalue().split())


def missing_library(library: Path) -> str | None:
    """Loads a shared library to find out why onnxruntime could not.

    Call it only after onnxruntime tried to load the library itself, because the library looks for its host while
    it is loaded.

    Args:
        library: Path of an onnxruntime provider library; its `providers_shared` sibling is loaded first.

    Returns:
        None when it loads, else the linker's message, which names the first missing library.
    """
    try:
        shared = library.with_name("libonnxruntime_providers_shared.so")
        if shared.exists():
            ctypes.CDLL(str(shared), mode=ctypes.RTLD_GLOBAL)
        ctypes.CDLL(str(library))
    except OSError as error:
        return str(error)
    return None
