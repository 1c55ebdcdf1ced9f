"""The trained style vectors, and the choice of styles for a step."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor, nn


class StyleBank(nn.Module):
    """The trained style vectors [S, D], by name."""

    def __init__(self, names: list[str], neutral: Tensor) -> None:
        super().__init__()
        self.names = names
        self.vectors = nn.Parameter(neutral[None].repeat(len(names), 1))

    def forward(self, indices: Tensor) -> Tensor:
        return self.vectors[indices]


def balanced(seed: int, step: int, batch: int, shares: list[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Style indices [batch]: each style as often per round as its share, in an order shuffled for each round."""
    styles = np.repeat(np.arange(len(shares)), shares)
    positions = np.arange(step * batch, (step + 1) * batch)
    orders = {
        r: np.random.default_rng([seed, 7, int(r)]).permutation(styles) for r in set(positions // len(styles))
    }
    return np.array([orders[p // len(styles)][p % len(styles)] for p in positions], dtype=np.int64)
