"""Writes a folder for deployment from a model of the zoo, a trunk, or a folder of ONNX models."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..engine.errors import MissingExtraError
from ..engine.zoo.artefact import Artefact, is_artefact
from ..engine.zoo.zoo import Zoo
from .options import ExportOptions


def export_folder(
    folder: str | os.PathLike[str],
    options: ExportOptions | None = None,
    *,
    report: Callable[[str], None] = lambda line: None,
    progress: Callable[[str, int, int], None] = lambda phase, done, total: None,
    **choices: Any,
) -> Artefact:
    """Writes models or TensorRT engines, styles and a manifest; `Stylizer(folder)` loads them.

    Args:
        folder: Target; the folder of an earlier export is replaced, any other folder that is not empty is refused.
        options: Options of the export.
        report: Called with messages, one line each.
        progress: Called with TensorRT's progress: phase, finished steps, all steps.
        choices: Fields of `ExportOptions` by name, in place of `options`: model, styles, precision, format, …

    Raises:
        ParityError: A model differs from its original; nothing is written.
        UsageError: Unknown model or style, or options that contradict each other.
        MissingExtraError: The extra `train` is not installed.

    Example:
        >>> artrt.export("deploy", precision="fp16")
    """
    asked = options or ExportOptions(**choices)
    target = Path(folder)
    _builder(asked.model)(asked, target, report=report, progress=progress)
    return Artefact.open(target)


def _builder(model: str) -> Callable[..., dict[str, Any]]:
    """The function that builds the folder: from a trunk, with PyTorch, or from ONNX models, without it."""
    try:
        if is_artefact(model) and f"trunk-{model}.safetensors" not in Zoo().manifest():
            from .engines_of_artefact import engines_of_artefact

            return engines_of_artefact
        from .artefact import export_artefact

        return export_artefact
    except ImportError as error:
        raise MissingExtraError("artrt export", package=str(error.name), extra="train") from error
