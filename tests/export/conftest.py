"""A tiny transformer with random weights, a zoo that holds it, and real-looking pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from artrt.engine.zoo.style import Style, save_style  # noqa: E402
from artrt.engine.zoo.zoo import Zoo, write_manifest  # noqa: E402
from artrt.models.networks.transformer import StyleTransformer, TransformerConfig, save_trunk  # noqa: E402


@pytest.fixture(scope="session")
def transformer():
    """Two blocks, 16 and 8 channels, random weights."""
    torch.manual_seed(3)
    return StyleTransformer(TransformerConfig("tiny", width=16, dilations=(1, 2), decoder_width=8)).eval()


@pytest.fixture(scope="session")
def style(transformer):
    """A random style, float32 [D]."""
    noise = np.random.default_rng(3).standard_normal(transformer.style_size).astype(np.float32)
    return transformer.neutral_style().numpy() + 0.2 * noise


@pytest.fixture(scope="session")
def tiny_zoo(transformer, style, tmp_path_factory) -> Zoo:
    """A zoo with the tiny trunk and two styles."""
    folder: Path = tmp_path_factory.mktemp("zoo")
    save_trunk(folder / "trunk-tiny.safetensors", transformer)
    (folder / "styles").mkdir()
    for name, vector in (("starry-night", style), ("udnie", style[::-1].copy())):
        save_style(
            folder / "styles" / f"{name}.safetensors", Style(name, vector, trunk=transformer.trunk_hash())
        )
    write_manifest(folder)
    return Zoo(folder)
