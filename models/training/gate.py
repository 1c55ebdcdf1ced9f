"""The gate of the region loss: lowers its weight if it makes pictures less painted.

While the weights of the region terms grow, `squeezenet_scores.painted` is measured regularly on the same photographs.
If it falls too far below its value at the start of the ramp, the weights of the region terms are lowered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from ..evaluation.squeezenet_scores import correlations, painted
from ..networks.localization import LocalizationNetwork

#: The terms that the gate lowers, and the factor on their weights each time.
GATED = ("cam", "category")
LOWERED = 0.7
#: Steps between two measurements, and number of measured styles.
STEPS_BETWEEN, STYLES = 200, 4


class Gate:
    """Monitors how painted the pictures of a training are.

    Args:
        network: SqueezeNet 1.1.
        paintings: float [1, 3, h, w] each, RGB in [0, 1], the style pictures in the order of the style vectors; some of
            them are watched.
        drop: Largest accepted decrease of `painted`.

    Attributes:
        factor: Factor on the weights of the region terms.
        reference: The first measurement; None before it.
    """

    def __init__(self, network: LocalizationNetwork, paintings: Sequence[Tensor], *, drop: float) -> None:
        self._network, self._drop = network, drop
        count = min(STYLES, len(paintings))
        self._watched = [index * len(paintings) // count for index in range(count)]
        self._styles = [correlations(network, paintings[index]) for index in self._watched]
        self.factor = 1.0
        self.reference: float | None = None

    @torch.no_grad()
    def check(self, paint: Callable[[Tensor, Tensor], Tensor], photographs: Tensor, vectors: Tensor) -> float:
        """Measures `painted`, and lowers the factor if it has decreased too much.

        Args:
            paint: The transformer.
            photographs: float [N, 3, H, W], RGB in [0, 1], the same each time.
            vectors: float [S, D], of all styles.

        Returns:
            `painted`, the mean over photographs and watched styles.
        """
        found = [
            painted(self._network, paint(photographs, vectors[index][None]), photographs, style).mean()
            for index, style in zip(self._watched, self._styles, strict=True)
        ]
        value = float(torch.stack(found).mean())
        if self.reference is None:
            self.reference = value
        elif self.reference - value > self._drop:
            self.factor *= LOWERED
        return value

    def applied(self, weights: Mapping[str, float]) -> dict[str, float]:
        """The weights of a step with lowered region terms."""
        return {name: value * (self.factor if name in GATED else 1.0) for name, value in weights.items()}

    def state(self) -> dict[str, float | None]:
        """The state for a checkpoint."""
        return {"factor": self.factor, "reference": self.reference}

    def resume(self, state: Mapping[str, float | None]) -> None:
        """Restores the state of a checkpoint."""
        self.factor, self.reference = float(state["factor"] or 0.0), state["reference"]
