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
    from .engine.effects.effect_stage import EffectStage
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
    from .engine.jobs.batch import BatchResult, run_batch
    from .engine.jobs.job import Done, Job
    from .engine.jobs.stylize import stylize
    from .engine.jobs.work import Outcome, Work
    from .engine.looks.building import build_chain
    from .engine.looks.controls import Controls, ControlState
    from .engine.looks.look import ChainOptions, Effect, LiveOptions, Look
    from .engine.looks.stylizer import Stylizer
    from .engine.playing.live import stream
    from .engine.playing.pipeline import Pipeline
    from .engine.result import Result
    from .engine.sessions import FakeSession, Session, TensorInfo, open_session
    from .engine.sinks import EncodeOptions, Sink, WebOptions, open_sink
    from .engine.sources import Size, Source, SourceInfo, SourceOptions, open_source
    from .engine.stage_spec import Control, StageSpec, StateTensor
    from .engine.stages.chain import Chain, FrameFunction
    from .engine.stages.loading import load_stage
    from .engine.stages.stage import Stage
    from .engine.statistics import Percentiles, SinkStats, Stats
    from .engine.zoo.style import Style, load_style, save_style
    from .engine.zoo.zoo import Zoo

_PACKAGES = ("cli", "engine", "export", "models")

# exported name -> module under artrt that holds it; a test compares it with __all__ and with the imports above
_EXPORTS = {
    "ArtrtError": "engine.errors",
    "BatchResult": "engine.jobs.batch",
    "Chain": "engine.stages.chain",
    "ChainOptions": "engine.looks.look",
    "ContractError": "engine.errors",
    "Control": "engine.stage_spec",
    "ControlState": "engine.looks.controls",
    "Controls": "engine.looks.controls",
    "Done": "engine.jobs.job",
    "Effect": "engine.looks.look",
    "EffectStage": "engine.effects.effect_stage",
    "EncodeOptions": "engine.sinks",
    "FakeSession": "engine.sessions",
    "Frame": "engine.frame",
    "FrameFunction": "engine.stages.chain",
    "InputError": "engine.errors",
    "IntegrityError": "engine.errors",
    "Job": "engine.jobs.job",
    "LiveOptions": "engine.looks.look",
    "Look": "engine.looks.look",
    "MissingExtraError": "engine.errors",
    "Outcome": "engine.jobs.work",
    "OutputError": "engine.errors",
    "ParityError": "engine.errors",
    "Percentiles": "engine.statistics",
    "Pipeline": "engine.playing.pipeline",
    "ProviderError": "engine.errors",
    "Quantized": "engine.effects.pictures",
    "Regions": "engine.effects.pictures",
    "Result": "engine.result",
    "Saliency": "engine.effects.saliency",
    "Session": "engine.sessions",
    "Sink": "engine.sinks",
    "SinkStats": "engine.statistics",
    "Size": "engine.sources",
    "Source": "engine.sources",
    "SourceInfo": "engine.sources",
    "SourceLostError": "engine.errors",
    "SourceOptions": "engine.sources",
    "Stage": "engine.stages.stage",
    "StageSpec": "engine.stage_spec",
    "StateTensor": "engine.stage_spec",
    "Stats": "engine.statistics",
    "Style": "engine.zoo.style",
    "Stylizer": "engine.looks.stylizer",
    "TensorInfo": "engine.sessions",
    "UnknownStyleError": "engine.errors",
    "UnsupportedImageError": "engine.errors",
    "UsageError": "engine.errors",
    "WebOptions": "engine.sinks",
    "Work": "engine.jobs.work",
    "Zoo": "engine.zoo.zoo",
    "build_chain": "engine.looks.building",
    "load_stage": "engine.stages.loading",
    "load_style": "engine.zoo.style",
    "open_session": "engine.sessions",
    "open_sink": "engine.sinks",
    "open_source": "engine.sources",
    "quantize": "engine.effects.pictures",
    "read_image": "engine.frame",
    "run_batch": "engine.jobs.batch",
    "saliency": "engine.effects.saliency",
    "save_style": "engine.zoo.style",
    "stream": "engine.playing.live",
    "stylize": "engine.jobs.stylize",
    "superpixels": "engine.effects.pictures",
    "write_image": "engine.frame",
}

__all__ = [
    "ArtrtError",
    "BatchResult",
    "Chain",
    "ChainOptions",
    "ContractError",
    "Control",
    "ControlState",
    "Controls",
    "Done",
    "Effect",
    "EffectStage",
    "EncodeOptions",
    "FakeSession",
    "Frame",
    "FrameFunction",
    "InputError",
    "IntegrityError",
    "Job",
    "LiveOptions",
    "Look",
    "MissingExtraError",
    "Outcome",
    "OutputError",
    "ParityError",
    "Percentiles",
    "Pipeline",
    "ProviderError",
    "Quantized",
    "Regions",
    "Result",
    "Saliency",
    "Session",
    "Sink",
    "SinkStats",
    "Size",
    "Source",
    "SourceInfo",
    "SourceLostError",
    "SourceOptions",
    "Stage",
    "StageSpec",
    "StateTensor",
    "Stats",
    "Style",
    "Stylizer",
    "TensorInfo",
    "UnknownStyleError",
    "UnsupportedImageError",
    "UsageError",
    "WebOptions",
    "Work",
    "Zoo",
    "build_chain",
    "load_stage",
    "load_style",
    "open_session",
    "open_sink",
    "open_source",
    "quantize",
    "read_image",
    "run_batch",
    "saliency",
    "save_style",
    "stream",
    "styles",
    "stylize",
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
