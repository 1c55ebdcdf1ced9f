"""Devices to compute on, and their fast number formats."""

from __future__ import annotations

import torch

from ..engine.errors import UsageError


def training_device(name: str) -> torch.device:
    """The device of `--device`: `cpu` or `cuda`.

    Raises:
        UsageError: PyTorch finds no CUDA GPU.
    """
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise UsageError("--device cuda: this PyTorch finds no CUDA GPU; use --device cpu")
    return torch.device(name)


def bfloat16_pays(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware."""
    return bool(torch.cuda.is_bf16_supported()) if device.type == "cuda" else fast_bfloat16()


def fast_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 in hardware; oneDNN's own check also accepts a slow emulation."""
    return bool(torch.cpu._is_avx512_bf16_supported())
