"""The style encoder as ONNX: the same vector as PyTorch, for any picture, in half the bytes."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch

from artrt.engine.zoo.picture_style import PictureStyles
from artrt.export.onnx_from_style_encoder import onnx_from_style_encoder
from artrt.models.networks.style_encoder import StyleEncoder

TRUNK = "ab" * 32


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    encoder = StyleEncoder(48)
    with torch.no_grad():
        encoder.center.normal_()
        encoder.spread.uniform_(0.5, 2)
    return encoder.eval()


@pytest.mark.parametrize(("height", "width"), [(64, 64), (97, 131), (300, 200)])
def test_the_vector_is_that_of_pytorch(tmp_path, encoder, height, width):
    model = onnx_from_style_encoder(encoder, trunk=TRUNK, long_side_px=448, half_weights=False)
    onnx.save(model, tmp_path / "style.onnx")
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    found = PictureStyles(tmp_path / "style.onnx").read(picture, name="x").vector
    rgb = torch.from_numpy(picture[:, :, ::-1].copy()).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        expected = encoder(rgb)[0].numpy()
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())


def test_half_the_bytes_and_almost_the_same_vector(tmp_path, encoder):
    sizes, vectors = [], []
    picture = np.random.default_rng(1).integers(0, 256, (120, 120, 3), np.uint8)
    for half in (False, True):
        path = tmp_path / f"{half}.onnx"
        onnx.save(onnx_from_style_encoder(encoder, trunk=TRUNK, long_side_px=448, half_weights=half), path)
        sizes.append(path.stat().st_size)
        vectors.append(PictureStyles(path).read(picture, name="x").vector)
    assert sizes[1] < 0.55 * sizes[0]
    np.testing.assert_allclose(vectors[0], vectors[1], atol=2e-2 * np.abs(vectors[0]).max())
