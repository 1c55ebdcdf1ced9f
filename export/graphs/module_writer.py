"""Writes networks based on SqueezeNet: convolutions with folded batch normalisation, and fire modules."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto
from torch import Tensor, nn

from ...models.networks.saliency import DEVIATION, MEAN, Encoder
from ..onnx_builder import GraphBuilder

Weights = NDArray[np.float32]


class ModuleWriter:
    """Writes PyTorch convolutions into a graph, with their batch normalisation folded in.

    Args:
        half_weights: Store weights as float16, converted to float32 once at load.
    """

    def __init__(self, *, half_weights: bool) -> None:
        self.graph = GraphBuilder()
        self._half = half_weights

    def conv(self, x: str, module: nn.Module) -> str:
        """A convolution."""
        assert isinstance(module, nn.Conv2d)
        bias = array(module.bias) if module.bias is not None else np.zeros(module.out_channels, np.float32)
        return self.convolve(
            x, array(module.weight), bias, stride=module.stride[0], pad=int(module.padding[0])
        )

    def block(self, x: str, module: nn.Module) -> str:
        """Convolution, batch normalisation, ReLU."""
        conv, norm = module.get_submodule("0"), module.get_submodule("1")
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        mean, variance = (
            array(tensor) for tensor in (norm.running_mean, norm.running_var) if tensor is not None
        )
        scale = array(norm.weight) / np.sqrt(variance + np.float32(norm.eps))
        weight = array(conv.weight) * scale[:, None, None, None]
        bias = array(norm.bias) - mean * scale
        return self.graph.op("Relu", self.convolve(x, weight, bias, stride=1, pad=1))

    def fire(self, x: str, module: nn.Module) -> str:
        """SqueezeNet's module."""
        graph = self.graph
        squeezed = graph.op("Relu", self.conv(x, module.get_submodule("squeeze")))
        sides = [self.conv(squeezed, module.get_submodule(f"expand{size}")) for size in ("1x1", "3x3")]
        return graph.op("Concat", *(graph.op("Relu", side) for side in sides), axis=1)

    def convolve(self, x: str, weight: Weights, bias: Weights, *, stride: int, pad: int) -> str:
        """A convolution with these weights."""
        operands = (self.stored(weight), self.stored(bias))
        return self.graph.op("Conv", x, *operands, strides=[stride, stride], pads=[pad] * 4)

    def stored(self, values: Weights) -> str | Weights:
        """Weights as an operand, in half precision with `half_weights`."""
        if not self._half:
            return values
        return self.graph.op("Cast", values.astype(np.float16), to=TensorProto.FLOAT)

    def levels(self, encoder: Encoder, image: str) -> list[str]:
        """Features at 1/2, 1/4, 1/8 and 1/16 of a picture [1, 3, h, w] in BGR, equal to `Encoder.forward`."""
        graph, first = self.graph, encoder.conv1
        assert first.bias is not None
        flipped = array(first.weight)[:, ::-1]
        x = graph.op("Relu", self.convolve(image, flipped, array(first.bias), stride=2, pad=1))
        found = [x]
        for name in encoder.names:
            if found[-1] is x:
                x = graph.op("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
            x = self.fire(x, encoder.get_submodule(name))
            if name in encoder.before_pool:
                found.append(x)
        return [*found, x]


def normalised(graph: GraphBuilder, planes: str) -> str:
    """Normalises float [1, 3, h, w] BGR in 0..255 as in the encoder's training."""
    mean = np.array(MEAN[::-1], np.float32).reshape(1, 3, 1, 1) * 255
    deviation = np.array(DEVIATION[::-1], np.float32).reshape(1, 3, 1, 1) * 255
    return graph.op("Div", graph.op("Sub", planes, mean), deviation)


def array(tensor: Tensor) -> Weights:
    """Converts a tensor to a float32 array."""
    return np.ascontiguousarray(tensor.detach().cpu().float().numpy())
