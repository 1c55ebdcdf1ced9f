"""PyTorch networks, losses and training; `zoo/` holds the trained artefacts that ship.

The names below are imported when they are used, so that `import artrt.models` loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .localization import LocalizationNetwork as LocalizationNetwork
    from .loss_networks import LossNetwork as LossNetwork
    from .objective import LossWeights as LossWeights
    from .objective import Networks as Networks
    from .paint_options import PaintOptions as PaintOptions
    from .paint_state import PaintState as PaintState
    from .painting import PaintProgress as PaintProgress
    from .painting import paint as paint
    from .reconstruction import ReconstructionOptions as ReconstructionOptions
    from .reconstruction import reconstruct as reconstruct

# name -> module that defines it
_EXPORTS = {
    "LocalizationNetwork": "localization",
    "LossNetwork": "loss_networks",
    "LossWeights": "objective",
    "Networks": "objective",
    "PaintOptions": "paint_options",
    "PaintProgress": "painting",
    "PaintState": "paint_state",
    "ReconstructionOptions": "reconstruction",
    "paint": "painting",
    "reconstruct": "reconstruction",
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
