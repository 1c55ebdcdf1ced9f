"""Reads the saliency network back from its exported stage, so that its weights ship once.

1. The convolutions of the graph are in the order of the network's forward pass; their weights are float16 or float32.
2. The first one takes BGR in the stage and RGB in the network.
3. Batch normalisations are folded into the convolutions before them, so the network read here has none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from ...engine.errors import InputError
from ...engine.stage_spec import METADATA_KEY
from .saliency import SaliencyConfig, SaliencyNetwork

#: Convolutions of a fire module, and of everything behind the encoder.
_OF_FIRE = ("squeeze", "expand1x1", "expand3x3")
_DECODER = 11


def network_from_stage(path: Path) -> SaliencyNetwork:
    """The saliency network of a `saliency` stage, with exactly its weights, in evaluation mode.

    Raises:
        InputError: The file is missing or not a saliency stage.
    """
    if not path.is_file():
        raise InputError(f"no saliency stage at {path}")
    try:
        model = onnx.load(path)
        weights = list(_convolutions(model.graph))
        network = SaliencyNetwork(_config(model, weights))
        modules = list(_modules(network))
        for module, (weight, bias) in zip(modules, weights, strict=True):
            module.load_state_dict({"weight": weight, "bias": bias})
    except Exception as error:  # protobuf, missing metadata and other shapes all mean another file
        raise InputError(f"{path} is not a saliency stage: {error}") from error
    return network.eval()


def _convolutions(graph: onnx.GraphProto) -> Iterator[tuple[Tensor, Tensor]]:
    """Weight and bias of each convolution as float32, those of the first one for RGB."""
    stored = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in stored:
            stored[node.output[0]] = stored[node.input[0]]
    found = [node for node in graph.node if node.op_type == "Conv"]
    for index, node in enumerate(found):
        weight, bias = (
            torch.from_numpy(numpy_helper.to_array(stored[name]).copy()).float() for name in node.input[1:]
        )
        yield (weight.flip(1) if index == 0 else weight), bias


def _config(model: onnx.ModelProto, weights: list[tuple[Tensor, Tensor]]) -> SaliencyConfig:
    """Sizes of the network, from the stage's facts and the shapes of its weights."""
    (text,) = [entry.value for entry in model.metadata_props if entry.key == METADATA_KEY]
    height, width = json.loads(text)["extra"]["grid"]
    fires = (len(weights) - 1 - _DECODER) // len(_OF_FIRE)
    entry = weights[1 + fires * len(_OF_FIRE)][0]
    return SaliencyConfig.for_grid(height, width, last=f"fire{fires + 1}", decoder=len(entry))


def _modules(network: SaliencyNetwork) -> Iterator[nn.Module]:
    """The convolutions in the order of the stage; replaces the batch normalisations."""
    yield network.encoder.conv1
    for name in network.encoder.names:
        yield from (network.encoder.get_submodule(f"{name}.{part}") for part in _OF_FIRE)
    yield from (network.entry, network.context, _without_normalisation(network.blocks[0]))
    for lateral, block in zip(network.laterals, list(network.blocks)[1:], strict=True):
        yield from (lateral, _without_normalisation(block))
    yield from (network.mask_head, network.cam_head)


def _without_normalisation(block: nn.Module) -> nn.Conv2d:
    """Gives the convolution of a block a bias instead of the batch normalisation behind it."""
    assert isinstance(block, nn.Sequential)
    before = block[0]
    assert isinstance(before, nn.Conv2d)
    block[0] = convolution = nn.Conv2d(before.in_channels, before.out_channels, 3, padding=1)
    block[1] = nn.Identity()
    return convolution
