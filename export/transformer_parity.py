"""The PyTorch reference for the parity of `stylize`: the transformer as a function of uint8 pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from ..engine.frame import Image
from ..engine.sessions import SessionOptions
from ..engine.sessions.onnxruntime import OnnxRuntimeSession, open_model
from ..engine.stages.stage import Stage
from ..models.networks.transformer import StyleTransformer
from .graphs.reduce import working_size
from .parity import Paint
from .working_size import enlarged, reduced_as_graph

Vector = NDArray[np.float32]


def torch_painter(transformer: StyleTransformer, style: Vector, *, stroke: float = 1.0) -> Paint:
    """The transformer as a function of uint8 BGR pictures, painted at the working size: [H, W, 3] -> [H, W, 3].

    Args:
        transformer: A trained trunk.
        style: float32 [D].
        stroke: Size of the strokes.
    """
    transformer = transformer.eval()

    def paint(picture: Image) -> Image:
        small = reduced_as_graph(picture, working_size(*picture.shape[:2], stroke=stroke))
        return enlarged(picture, painted(small.round().astype(np.uint8)), small)

    @torch.inference_mode()
    def painted(picture: Image) -> Image:
        rgb = torch.from_numpy(picture[:, :, ::-1].copy()).permute(2, 0, 1)[None].float() / 255
        image = transformer.paint(rgb, torch.from_numpy(style)[None])[0].permute(1, 2, 0).flip(2) * 255
        return np.asarray(image.round().clamp(0, 255).to(torch.uint8).numpy(), np.uint8)

    return paint


def stage_painter(stage: Stage, style: Vector) -> Paint:
    """A `stylize` stage with a fixed style, as a function of pictures."""
    return lambda picture: stage(picture, style=style)


def cpu_stage(model: onnx.ModelProto | Path, folder: Path, *, threads: int | None = None) -> Stage:
    """Opens a model on ONNX Runtime's CPU provider.

    Args:
        model: A model, written to `folder` first, or the path of one.
        folder: A temporary folder.
        threads: Threads of one inference.
    """
    path = model if isinstance(model, Path) else folder / f"model-{id(model)}.onnx"
    if not isinstance(model, Path):
        path.write_bytes(model.SerializeToString())
    session: OnnxRuntimeSession = open_model(path, "cpu", SessionOptions(threads=threads))
    return Stage(session)
