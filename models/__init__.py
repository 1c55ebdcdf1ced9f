"""PyTorch networks, losses and training; `zoo/` contains the trained artefacts that ship.

The names below are imported on first use, so `import artrt.models` does not load torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .networks.localization import LocalizationNetwork as LocalizationNetwork
    from .networks.loss_networks import LossNetwork as LossNetwork
    from .painting.objective import LossWeights as LossWeights
    from .painting.objective import Networks as Networks
    from .painting.options import PaintOptions as PaintOptions
    from .painting.painting import PaintProgress as PaintProgress
    from .painting.painting import paint as paint
    from .painting.reconstruction import ReconstructionOptions as ReconstructionOptions
    from .painting.reconstruction import reconstruct as reconstruct
    from .painting.state import PaintState as PaintState

# name -> module that defines it
_EXPORTS = {
    "LocalizationNetwork": "networks.localization",
    "LossNetwork": "networks.loss_networks",
    "LossWeights": "painting.objective",
    "Networks": "painting.objective",
    "PaintOptions": "painting.options",
    "PaintProgress": "painting.painting",
    "PaintState": "painting.state",
    "ReconstructionOptions": "painting.reconstruction",
    "paint": "painting.painting",
    "reconstruct": "painting.reconstruction",
}

__all__ = [*_EXPORTS]


def __getattr__(name: str) -> object:
    """Imports one of `__all__`."""
    if name not in _EXPORTS:
        raise AttributeError(f"module 'artrt.models' has no attribute '{name}'")
    return getattr(importlib.import_module(f".{_EXPORTS[name]}", __name__), name)


def __dir__() -> list[str]:
    """The exported names."""
    return __all__
