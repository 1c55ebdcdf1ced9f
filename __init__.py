"""artrt: neural style transfer that runs in real time, from training to deployment.

    >>> import artrt
    >>> stylizer = artrt.Stylizer("starry-night")
    >>> painting = stylizer(artrt.read_image("photo.jpg"))

Names are imported when they are first used: `import artrt` loads neither OpenCV nor a runtime.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .engine.effects.pictures import Quantized, Regions, quantize, superpixels
    from .engine.effects.saliency import Saliency, saliency
    from .engine.errors import (
        ArtrtError,
        ContractError,
        InputError,
        IntegrityError,
        MissingExtraError,
        OutputError,
        ParityError,
        ProviderError,
        SourceLostError,
        UnknownStyleError,
        UnsupportedImageError,
        UsageError,
    )
    from .engine.frame import Frame, read_image, write_image
    from .engine.looks.building import build_chain
    from .engine.looks.look import ChainOptions, Effect, LiveOptions, Look
    from .engine.looks.stylizer import Stylizer
    from .engine.playing.live import stream
    from .engine.playing.pipeline import Pipeline
    from .engine.result import Result
    from .engine.sessions import FakeSession, Session, open_session
    from .engine.stage_spec import Control, StageSpec, StateTensor
    from .engine.stages.chain import Chain
    from .engine.stages.loading import load_stage
    from .engine.stages.stage import Stage
    from .engine.zoo.style import Style, load_style, save_style
    from .engine.zoo.zoo import Zoo

_PACKAGES = ("cli", "engine", "export", "models")

# exported name -> module under artrt that holds it; a test compares it with __all__ and with the imports above
_EXPORTS = {
    "ArtrtError": "engine.errors",
    "Chain": "engine.stages.chain",
    "ChainOptions": "engine.looks.look",
    "ContractError": "engine.errors",
    "Control": "engine.stage_spec",
    "Effect": "engine.looks.look",
    "FakeSession": "engine.sessions",
    "Frame": "engine.frame",
    "InputError": "engine.errors",
    "IntegrityError": "engine.errors",
    "MissingExtraError": "engine.errors",
    "OutputError": "engine.errors",
    "ParityError": "engine.errors",
    "LiveOptions": "engine.looks.look",
    "Look": "engine.looks.look",
    "Pipeline": "engine.playing.pipeline",
    "ProviderError": "engine.errors",
    "Quantized": "engine.effects.pictures",
    "Regions": "engine.effects.pictures",
    "Saliency": "engine.effects.saliency",
    "Result": "engine.result",
    "Session": "engine.sessions",
    "SourceLostError": "engine.errors",
    "Stage": "engine.stages.stage",
    "StageSpec": "engine.stage_spec",
    "StateTensor": "engine.stage_spec",
    "Style": "engine.zoo.style",
    "Stylizer": "engine.looks.stylizer",
    "UnknownStyleError": "engine.errors",
    "UnsupportedImageError": "engine.errors",
    "UsageError": "engine.errors",
    "Zoo": "engine.zoo.zoo",
    "build_chain": "engine.looks.building",
    "load_stage": "engine.stages.loading",
    "load_style": "engine.zoo.style",
    "open_session": "engine.sessions",
    "quantize": "engine.effects.pictures",
    "read_image": "engine.frame",
    "saliency": "engine.effects.saliency",
    "save_style": "engine.zoo.style",
    "stream": "engine.playing.live",
    "superpixels": "engine.effects.pictures",
    "write_image": "engine.frame",
}

__all__ = [
    "ArtrtError",
    "Chain",
    "ChainOptions",
    "ContractError",
    "Control",
    "Effect",
    "FakeSession",
    "Frame",
    "InputError",
    "IntegrityError",
    "LiveOptions",
    "Look",
    "MissingExtraError",
    "OutputError",
    "ParityError",
    "Pipeline",
    "ProviderError",
    "Quantized",
    "Regions",
    "Result",
    "Saliency",
    "Session",
    "SourceLostError",
    "Stage",
    "StageSpec",
    "StateTensor",
    "Style",
    "Stylizer",
    "UnknownStyleError",
    "UnsupportedImageError",
    "UsageError",
    "Zoo",
    "build_chain",
    "load_stage",
    "load_style",
    "open_session",
    "quantize",
    "read_image",
    "saliency",
    "save_style",
    "stream",
    "styles",
    "superpixels",
    "write_image",
]


def styles() -> list[str]:
    """Names of the styles that ship with artrt, sorted."""
    from .engine.zoo.zoo import Zoo

    return Zoo().styles()


def __getattr__(name: str) -> Any:
    """Imports an exported name, or one of the four packages, when it is first used."""
    if name in _PACKAGES:
        return importlib.import_module(f".{name}", __name__)
    if name not in _EXPORTS:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    value = getattr(importlib.import_module(f".{_EXPORTS[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The exported names and the module's own."""
    return sorted({*__all__, *globals()})
