"""A grown trunk paints what the smaller one painted, and a training goes on from it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from artrt.engine.errors import UsageError
from artrt.models.networks.transformer import StyleTransformer, TransformerConfig
from artrt.models.training.growth import grown_vectors, grown_weights

SMALL = TransformerConfig("grown", width=8, dilations=(1, 2), decoder_width=4)


def trained(config: TransformerConfig = SMALL) -> tuple[StyleTransformer, torch.Tensor]:
    """A transformer, and two style vectors other than the neutral one."""
    torch.manual_seed(1)
    transformer = StyleTransformer(config)
    return transformer, transformer.neutral_style() + 0.3 * torch.randn(2, transformer.style_size)


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"decoder_width": 7},
        {"width": 12},
        {"dilations": (1, 2, 4)},
        {"width": 9, "dilations": (1, 2, 1, 1)},
    ],
)
def test_it_paints_the_same(sizes):
    small, vectors = trained()
    large = StyleTransformer(replace(SMALL, **sizes))
    large.load_state_dict(grown_weights(small.state_dict(), large))
    wider = grown_vectors(vectors, small.state_dict(), large)
    assert wider.shape == (2, large.style_size)
    image = torch.rand(2, 3, 30, 44)
    with torch.no_grad():
        torch.testing.assert_close(large(image, wider), small(image, vectors), atol=1e-6, rtol=0)


def test_what_is_new_can_learn():
    small, vectors = trained()
    large = StyleTransformer(replace(SMALL, decoder_width=7, dilations=(1, 2, 1)))
    large.load_state_dict(grown_weights(small.state_dict(), large))
    wider = grown_vectors(vectors, small.state_dict(), large).requires_grad_(True)
    large(torch.rand(2, 3, 24, 24), wider).square().sum().backward()
    assert large.head.weight.grad[:, 4:].abs().max() > 0
    position = 0
    for name, channels in large.config.layers():
        if name == "blocks.2.norm2":
            end_of_new_block = slice(position, position + channels)
        position += 2 * channels
    assert (wider[:, end_of_new_block] == 0).all()
    assert wider.grad[:, end_of_new_block].abs().max() > 0


def test_nothing_shrinks():
    large, _ = trained(replace(SMALL, decoder_width=7))
    with pytest.raises(UsageError, match="can only grow: up.weight"):
        grown_weights(large.state_dict(), StyleTransformer(SMALL))
