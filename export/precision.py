"""Converts a stage to fp16 by types in the graph, or to int8 by quantize-dequantize pairs."""

from __future__ import annotations

import onnx

from ..engine.zoo.style import Style
from .options import ExportOptions


def to_precision(model: onnx.ModelProto, options: ExportOptions, *, style: Style | None) -> onnx.ModelProto:
    """Converts a stage to the precision in the options.

    Args:
        model: A float32 stage.
        options: Precision, and the calibration pictures for int8.
        style: The style to calibrate `stylize` with; None for other stages, which int8 does not change.
    """
    if options.precision == "fp16":
        from .fp16 import to_fp16

        return to_fp16(model)
    if options.precision == "int8" and style is not None:
        from .int8 import to_int8

        return to_int8(model, options.calibration, style=style.vector)
    return model
