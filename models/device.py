"""What the processor at hand computes fast."""

from __future__ import annotations

import torch


def fast_bfloat16() -> bool:
    """Whether the CPU multiplies bfloat16 in hardware; oneDNN's own answer counts a slow emulation, too."""
    return bool(torch.cpu._is_avx512_bf16_supported())
