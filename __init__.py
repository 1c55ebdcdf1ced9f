"""artrt: neural style transfer that runs in real time, from training to deployment.

    >>> import artrt
    >>> stylizer = artrt.Stylizer("starry-night")
    >>> painting = stylizer(artrt.read_image("photo.jpg"))

Names are imported on first use: `import artrt` loads neither OpenCV nor a runtime.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .engine.effects.effect_stage import EffectStage
    from .engine.effects.quantize import Quantized, quantize
    from .engine.effects.saliency import Saliency, saliency
    from .engine.effects.superpixels import Regions, superpixels
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
    from .engine.looks.amounts import Amount
    from .engine.looks.building import build_chain
    from .engine.looks.controls import Caption, Controls, ControlState
    from .engine.looks.look import ChainOptions, Effect, LiveOptions, Look
    from .engine.looks.stylizer import Stylizer
    from .engine.pictures.about import About
    from .engine.playing.pipeline import Pipeline
    from .engine.playing.stream import stream
    from .engine.result import Result
    from .engine.sessions import FakeSession, Session, TensorInfo, open_session
    from .engine.sinks import EncodeOptions, RecordingQuota, Sink, WebOptions, open_sink
    from .engine.sinks.recording import RecordingLimits
    from .engine.sources import Size, Source, SourceInfo, SourceOptions, open_source
    from .engine.stage_spec import Control, StageSpec, StateTensor
    from .engine.stages.chain import Chain, FrameFunction
    from .engine.stages.loading import load_stage
    from .engine.stages.stage import Stage
    from .engine.statistics import Percentiles, SinkStats, Stats
    from .engine.zoo.artefact import Artefact
    from .engine.zoo.style import Style, load_style, save_style
    from .engine.zoo.zoo import Zoo
    from .export.candidate import EvaluateOptions
    from .export.evaluate import Evaluation, evaluate
    from .export.options import ExportOptions, Shapes, StageChoice
    from .export.style_from_painting import TrainedStyle, train_style
    from .models import (
        LocalizationNetwork,
        LossNetwork,
        LossWeights,
        Networks,
        PaintOptions,
        PaintProgress,
        PaintState,
        paint,
    )

_PACKAGES = ("cli", "engine", "export", "models")

# exported name -> module under artrt that holds it; a test compares it with __all__ and with the imports above
_EXPORTS = {
    "Artefact": "engine.zoo.artefact",
    "ArtrtError": "engine.errors",
    "BatchResult": "engine.jobs.batch",
    "Caption": "engine.looks.controls",
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
    "EvaluateOptions": "export.candidate",
    "Evaluation": "export.evaluate",
    "ExportOptions": "export.options",
    "FakeSession": "engine.sessions",
    "About": "engine.pictures.about",
    "Amount": "engine.looks.amounts",
    "Frame": "engine.frame",
    "FrameFunction": "engine.stages.chain",
    "InputError": "engine.errors",
    "IntegrityError": "engine.errors",
    "Job": "engine.jobs.job",
    "LiveOptions": "engine.looks.look",
    "LocalizationNetwork": "models",
    "Look": "engine.looks.look",
    "LossNetwork": "models",
    "LossWeights": "models",
    "MissingExtraError": "engine.errors",
    "Networks": "models",
    "Outcome": "engine.jobs.work",
    "OutputError": "engine.errors",
    "PaintOptions": "models",
    "PaintProgress": "models",
    "PaintState": "models",
    "ParityError": "engine.errors",
    "Percentiles": "engine.statistics",
    "Pipeline": "engine.playing.pipeline",
    "ProviderError": "engine.errors",
    "Quantized": "engine.effects.quantize",
    "RecordingLimits": "engine.sinks.recording",
    "RecordingQuota": "engine.sinks",
    "Regions": "engine.effects.superpixels",
    "Result": "engine.result",
    "Saliency": "engine.effects.saliency",
    "Session": "engine.sessions",
    "Shapes": "export.options",
    "Sink": "engine.sinks",
    "SinkStats": "engine.statistics",
    "Size": "engine.sources",
    "Source": "engine.sources",
    "SourceInfo": "engine.sources",
    "SourceLostError": "engine.errors",
    "SourceOptions": "engine.sources",
    "Stage": "engine.stages.stage",
    "StageChoice": "export.options",
    "StageSpec": "engine.stage_spec",
    "StateTensor": "engine.stage_spec",
    "Stats": "engine.statistics",
    "Style": "engine.zoo.style",
    "Stylizer": "engine.looks.stylizer",
    "TensorInfo": "engine.sessions",
    "TrainedStyle": "export.style_from_painting",
    "UnknownStyleError": "engine.errors",
    "UnsupportedImageError": "engine.errors",
    "UsageError": "engine.errors",
    "WebOptions": "engine.sinks",
    "Work": "engine.jobs.work",
    "Zoo": "engine.zoo.zoo",
    "build_chain": "engine.looks.building",
    "evaluate": "export.evaluate",
    "load_stage": "engine.stages.loading",
    "load_style": "engine.zoo.style",
    "open_session": "engine.sessions",
    "open_sink": "engine.sinks",
    "open_source": "engine.sources",
    "paint": "models",
    "quantize": "engine.effects.quantize",
    "read_image": "engine.frame",
    "run_batch": "engine.jobs.batch",
    "saliency": "engine.effects.saliency",
    "save_style": "engine.zoo.style",
    "stream": "engine.playing.stream",
    "stylize": "engine.jobs.stylize",
    "superpixels": "engine.effects.superpixels",
    "train_style": "export.style_from_painting",
    "write_image": "engine.frame",
}

__all__ = [
    "About",
    "Amount",
    "Artefact",
    "ArtrtError",
    "BatchResult",
    "Caption",
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
    "EvaluateOptions",
    "Evaluation",
    "ExportOptions",
    "FakeSession",
    "Frame",
    "FrameFunction",
    "InputError",
    "IntegrityError",
    "Job",
    "LiveOptions",
    "LocalizationNetwork",
    "Look",
    "LossNetwork",
    "LossWeights",
    "MissingExtraError",
    "Networks",
    "Outcome",
    "OutputError",
    "PaintOptions",
    "PaintProgress",
    "PaintState",
    "ParityError",
    "Percentiles",
    "Pipeline",
    "ProviderError",
    "Quantized",
    "RecordingLimits",
    "RecordingQuota",
    "Regions",
    "Result",
    "Saliency",
    "Session",
    "Shapes",
    "Sink",
    "SinkStats",
    "Size",
    "Source",
    "SourceInfo",
    "SourceLostError",
    "SourceOptions",
    "Stage",
    "StageChoice",
    "StageSpec",
    "StateTensor",
    "Stats",
    "Style",
    "Stylizer",
    "TensorInfo",
    "TrainedStyle",
    "UnknownStyleError",
    "UnsupportedImageError",
    "UsageError",
    "WebOptions",
    "Work",
    "Zoo",
    "build_chain",
    "evaluate",
    "load_stage",
    "load_style",
    "open_session",
    "open_sink",
    "open_source",
    "paint",
    "quantize",
    "read_image",
    "run_batch",
    "saliency",
    "save_style",
    "stream",
    "styles",
    "stylize",
    "superpixels",
    "train_style",
    "write_image",
]


def styles() -> list[str]:
    """Names of the styles that ship with artrt, sorted."""
    from .engine.zoo.zoo import Zoo

    return Zoo().styles()


def __getattr__(name: str) -> Any:
    """Imports an exported name, or one of the four packages, on first use."""
    if name in _PACKAGES:
        return importlib.import_module(f".{name}", __name__)
    if name not in _EXPORTS:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    try:
        value = getattr(importlib.import_module(f".{_EXPORTS[name]}", __name__), name)
    except ModuleNotFoundError as error:
        if not _EXPORTS[name].startswith(("export", "models")):
            raise
        from .engine.errors import MissingExtraError

        raise MissingExtraError(f"artrt.{name}", package=str(error.name), extra="train") from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The exported names and the module's attributes."""
    return sorted({*__all__, *globals()})
