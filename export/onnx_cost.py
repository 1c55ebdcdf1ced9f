"""Counts the parameters and multiply-accumulate operations of a stage's ONNX graph."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from ..engine.errors import InputError
from ..engine.sessions import open_session
from ..engine.sessions.probe import probe_feeds

_WIDENING = ("Cast", "DequantizeLinear")


@dataclass(frozen=True)
class Cost:
    """Cost of one frame.

    Attributes:
        parameters: Weights and biases of convolutions and matrix products in the graph.
        macs: Multiply-accumulate operations of convolutions and matrix products.
        height: Height of the frame in pixels.
        width: Width of the frame in pixels.
    """

    parameters: int
    macs: int
    height: int
    width: int

    def to_dict(self) -> dict[str, int]:
        """The cost as a dict, for reports and JSON."""
        return asdict(self)


def cost_of(path: str | Path, *, height: int, width: int) -> Cost:
    """Counts the cost of a stage for a frame of this size.

    Only a runtime knows all sizes inside the graph, so the graph is run once with the shape of every convolution and
    matrix product as an extra output.

    Raises:
        InputError: The file is missing or not an ONNX model.
    """
    try:
        model = onnx.load(path)
    except Exception as error:  # protobuf and OS errors of many types
        raise InputError(f"cannot read the model {path}: {error}") from error
    parameters = _parameters(model)
    shapes = _shapes(model, height=height, width=width)
    return Cost(parameters, sum(_macs(node, shapes) for node in _counted(model)), height, width)


def _counted(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    return [node for node in model.graph.node if node.op_type in ("Conv", "ConvTranspose", "MatMul", "Gemm")]


def _shapes(model: onnx.ModelProto, *, height: int, width: int) -> dict[str, list[int]]:
    """Shapes of the inputs and outputs of all counted nodes."""
    names = sorted({name for node in _counted(model) for name in (*node.input, *node.output) if name})
    graph = model.graph
    graph.node.extend(helper.make_node("Shape", [name], [f"{name}/shape"]) for name in names)
    graph.output.extend(
        helper.make_tensor_value_info(f"{n}/shape", onnx.TensorProto.INT64, [None]) for n in names
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        onnx.save(model, path)
        with open_session(path, provider="cpu", threads=1, size=(height, width)) as session:
            results = session.run(probe_feeds(session, size=(height, width)))
    return {name: [int(size) for size in results[f"{name}/shape"]] for name in names}


def _macs(node: onnx.NodeProto, shapes: dict[str, list[int]]) -> int:
    if node.op_type in ("MatMul", "Gemm"):
        return int(np.prod(shapes[node.output[0]])) * shapes[node.input[0]][-1]
    kernel = shapes[node.input[1]]  # [out, in / groups, h, w], transposed [in, out / groups, h, w]
    pixels = node.input[0] if node.op_type == "ConvTranspose" else node.output[0]
    return int(np.prod(shapes[pixels])) * int(np.prod(kernel[1:]))


def _parameters(model: onnx.ModelProto) -> int:
    """Number of weights of convolutions and matrix products, including weights that a Cast node converts first."""
    sizes = {tensor.name: int(np.prod(tensor.dims)) for tensor in model.graph.initializer}
    widened = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type in _WIDENING}
    taken = {widened.get(name, name) for node in _counted(model) for name in node.input}
    return sum(sizes.get(name, 0) for name in taken)
