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
    from .engine.chains import ChainOptions, Effect, build_chain
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
    from .engine.live import LiveOptions, stream
    from .engine.pipeline import Pipeline
    from .engine.preprocess import Quantized, Regions, quantize, superpixels
    from .engine.result import Result
    from .engine.saliency import Saliency, saliency
    from .engine.sessions import FakeSession, Session, open_session
    from .engine.stage_spec import Control, StageSpec, StateTensor
    from .engine.stages import Chain, Stage, load_stage
    from .engine.styles import Style, load_style, save_style
    from .engine.stylizer import Stylizer
    from .engine.zoo import Zoo

_PACKAGES = ("cli", "engine", "export", "models")

# exported name -> module under artrt that holds it; a test compares it with __all__ and with the imports above
_EXPORTS = {
    "ArtrtError": "engine.errors",
    "Chain": "engine.stages",
    "ChainOptions": "engine.chains",
    "ContractError": "engine.errors",
    "Control": "engine.stage_spec",
    "Effect": "engine.chains",
    "FakeSession": "engine.sessions",
    "Frame": "engine.frame",
    "InputError": "engine.errors",
    "IntegrityError": "engine.errors",
    "MissingExtraError": "engine.errors",
    "OutputError": "engine.errors",
    "ParityError": "engine.errors",
    "LiveOptions": "engine.live",
    "Pipeline": "engine.pipeline",
    "ProviderError": "engine.errors",
    "Quantized": "engine.preprocess",
    "Regions": "engine.preprocess",
    "Saliency": "engine.saliency",
    "Result": "engine.result",
    "Session": "engine.sessions",
    "SourceLostError": "engine.errors",
    "Stage": "engine.stages",
    "StageSpec": "engine.stage_spec",
    "StateTensor": "engine.stage_spec",
    "Style": "engine.styles",
    "Stylizer": "engine.stylizer",
    "UnknownStyleError": "engine.errors",
    "UnsupportedImageError": "engine.errors",
    "UsageError": "engine.errors",
    "Zoo": "engine.zoo",
    "build_chain": "engine.chains",
    "load_stage": "engine.stages",
    "load_style": "engine.styles",
    "open_session": "engine.sessions",
    "quantize": "engine.preprocess",
    "read_image": "engine.frame",
    "saliency": "engine.saliency",
    "save_style": "engine.styles",
    "stream": "engine.live",
    "superpixels": "engine.preprocess",
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
    from .engine.zoo import Zoo

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
