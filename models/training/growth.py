"""Grows a trunk: makes a larger transformer that paints exactly like a smaller, trained one.

New channels have input weights of zero, so they change nothing before further training. Source: the
function-preserving transformations of Chen, Goodfellow and Shlens, "Net2Net: accelerating learning via knowledge
transfer", ICLR 2016.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ...engine.errors import UsageError
from ..networks.transformer import StyleTransformer, TransformerConfig

Weights = dict[str, Tensor]


def grown_weights(weights: Weights, transformer: StyleTransformer) -> Weights:
    """Extends the weights of a trained transformer to the sizes of a larger one.

    Args:
        weights: State dict of the trained one. Its blocks are the first ones of the larger, with their dilations.
        transformer: The larger, newly initialised one; not changed.

    Returns:
        A state dict for `transformer`: new inputs have weight 0, new outputs the weights they were made with.

    Raises:
        UsageError: A part of `transformer` is smaller.
    """
    grown = {name: tensor.clone() for name, tensor in transformer.state_dict().items()}
    for name, old in weights.items():
        new = grown.get(name)
        if new is None or any(a < b for a, b in zip(new.shape, old.shape, strict=True)):
            raise UsageError(f"a trunk can only grow: {name} is larger in the checkpoint than in the new one")
        outputs = old.shape[0]
        if old.ndim == 4:
            new[:outputs, old.shape[1] :] = 0
            new[:outputs, : old.shape[1]] = old
        else:
            new[:outputs] = old
    return grown


def grown_vectors(vectors: Tensor, weights: Weights, transformer: StyleTransformer) -> Tensor:
    """Extends the style vectors of a trained transformer for a larger one.

    Args:
        vectors: float [S, D].
        weights: State dict of the trained one, from which its sizes are read.
        transformer: The larger one.

    Returns:
        float [S, D'], scale 1 and shift 0 for new channels, scale 0 at the end of new blocks, which then add nothing.
    """
    known, position = {}, 0
    for name, channels in _config_of(weights, transformer.config).layers():
        known[name] = vectors[:, position : position + 2 * channels]
        position += 2 * channels
    parts = []
    for name, channels in transformer.config.layers():
        if name in known:
            parts.append(_wider(known[name], known[name].shape[1] // 2, channels))
        else:
            neutral = vectors.new_zeros(len(vectors), 2 * channels)
            neutral[:, :channels] = float(name.endswith("norm1"))
            parts.append(neutral)
    return torch.cat(parts, dim=1)


def _config_of(weights: Weights, larger: TransformerConfig) -> TransformerConfig:
    """The sizes of a trained transformer, read from its weights; its dilations are the first ones of the larger."""
    blocks = len({name.split(".")[1] for name in weights if name.startswith("blocks.")})
    width, half = weights["stem.weight"].shape[0], weights["up.weight"].shape[0]
    return TransformerConfig("known", width, larger.dilations[:blocks], half)


def _wider(part: Tensor, old: int, new: int) -> Tensor:
    """Scales and shifts [S, 2 old] of one layer -> [S, 2 new]."""
    more = part.new_zeros(len(part), new - old)
    return torch.cat([part[:, :old], more + 1, part[:, old:], more], dim=1)
