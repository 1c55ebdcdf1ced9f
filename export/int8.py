"""Converts inner convolutions to int8 by quantize-dequantize pairs, calibrated on real pictures.

Weights are quantized per output channel, activations symmetrically (TensorRT needs zero points of 0), with ranges by
percentile, so that outliers do not spoil a layer. The first convolutions and the last one keep their precision;
instance normalisation stays in float32.

On a CPU, int8 is not faster in ONNX Runtime, because every convolution needs conversions between two normalisations
(`benchmarks/precision.py` measures it). Use int8 with TensorRT.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from ..engine.errors import UsageError
from ..engine.frame import Image
from ..engine.sessions.base import TensorInfo
from ..engine.sessions.fake import FakeSession
from ..engine.sessions.probe import probe_feeds
from ..engine.stage_spec import METADATA_KEY
from .fuse import spec_of
from .graphs.enlarge import WINDOW
from .pictures import real_pictures
from .quiet import quiet
from .simplify import in_order

PERCENTILE = 99.99
PICTURES = 8
SIDE_PX = 256
KEPT = ("stem", "head", WINDOW)

Feeds = dict[str, NDArray[Any]]


def to_int8(model: onnx.ModelProto, folder: Path | None, *, style: NDArray[np.float32]) -> onnx.ModelProto:
    """A copy of the model with inner convolutions in int8.

    Args:
        model: A float32 `stylize` stage.
        folder: Pictures to calibrate on.
        style: float32 [D], the style for calibration.

    Raises:
        UsageError: There is no folder, or nothing to quantize.
        InputError: No picture in the folder.
    """
    if folder is None:
        raise UsageError("int8 is calibrated on real pictures: give a folder of them with --calibration DIR")
    nodes = inner_convolutions(model)
    if not nodes:
        raise UsageError("int8 needs a stage with convolutions inside, such as 'stylize'")
    pictures = real_pictures(folder, limit=PICTURES)
    return _quantized(model, nodes, [_feeds(model, _square(picture), style) for picture in pictures])


def inner_convolutions(model: onnx.ModelProto) -> list[str]:
    """Names of the convolutions that may be int8: all except the first and last ones."""
    return [
        node.name
        for node in model.graph.node
        if node.op_type == "Conv" and node.input[1].split(".")[0] not in KEPT
    ]


def _quantized(model: onnx.ModelProto, nodes: list[str], feeds: list[Feeds]) -> onnx.ModelProto:
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Yields the calibration pictures in order."""

        def __init__(self) -> None:
            self._left: Iterator[Feeds] = iter(feeds)

        def get_next(self) -> Feeds | None:
            return next(self._left, None)

    with tempfile.TemporaryDirectory(prefix="artrt-int8-") as scratch:
        source, target = Path(scratch) / "float.onnx", Path(scratch) / "int8.onnx"
        onnx.save(model, str(source))
        with quiet():
            quantize_static(
                str(source),
                str(target),
                Reader(),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv"],
                nodes_to_quantize=nodes,
                per_channel=True,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.Percentile,
                extra_options={
                    "ActivationSymmetric": True,
                    "WeightSymmetric": True,
                    "CalibPercentile": PERCENTILE,
                    "OpTypesToExcludeOutputQuantization": ["Conv"],
                    "DedicatedQDQPair": False,
                },
            )
        quantized = in_order(onnx.load(str(target)))
    helper.set_model_props(quantized, {METADATA_KEY: spec_of(model).to_json()})
    onnx.checker.check_model(quantized)
    return quantized


def _square(picture: Image) -> Image:
    """The centre of a picture, in the fixed size for the percentiles."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = picture[top : top + side, left : left + side]
    return np.asarray(cv2.resize(middle, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8)


def _feeds(model: onnx.ModelProto, picture: Image, style: NDArray[np.float32]) -> Feeds:
    spec = spec_of(model)
    infos = [TensorInfo(name, "float32", control.shape) for name, control in spec.controls.items()]
    session = FakeSession(
        lambda feeds: feeds,
        inputs=[TensorInfo("frame", "uint8", ("H", "W", 3)), *infos],
        metadata={METADATA_KEY: spec.to_json()},
    )
    return probe_feeds(session) | {"frame": picture, "style": style}
