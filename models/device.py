"""Detects fast number formats of the CPU."""

from __future__ import annotations

import torch


def fast_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 in hardware; oneDNN's own check also accepts a slow emulation."""
    return bool(torch.cpu._is_avx512_bf16_supported())
