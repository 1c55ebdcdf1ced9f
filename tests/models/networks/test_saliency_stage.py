"""The saliency network read back from its stage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from artrt.engine.errors import InputError
from artrt.engine.stages.loading import load_stage
from artrt.engine.zoo.zoo import SHIPPED
from artrt.export.onnx_from_saliency import save_saliency_stage
from artrt.models.networks.saliency import SaliencyConfig, SaliencyNetwork
from artrt.models.networks.saliency_stage import network_from_stage

SMALL = SaliencyConfig(last="fire6", width=16, landscape_px=(32, 48), square_px=(32, 32))


def stage(folder: Path) -> Path:
    """A network whose batch statistics are not 0 and 1, as a stage."""
    torch.manual_seed(3)
    network = SaliencyNetwork(SMALL).train()
    for _ in range(3):
        network(torch.rand(4, 3, 32, 48))
    return save_saliency_stage(folder / "saliency.onnx", network.eval(), scores={})


def agree(path: Path, height: int, width: int) -> None:
    """Stage and network compute the same mask for a picture of the grid's size."""
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    with load_stage(path, provider="cpu") as session:
        expected = session(frame, attention=1.0)
    rgb = torch.from_numpy(frame[..., ::-1].copy()).permute(2, 0, 1)[None].float() / 255
    found = network_from_stage(path).mask(rgb, attention=1.0)[0].numpy()
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_the_network_computes_what_the_stage_computes(tmp_path: Path) -> None:
    path = stage(tmp_path)
    assert network_from_stage(path).config == SMALL
    agree(path, 32, 48)


def test_the_shipped_stage_is_read_bit_by_bit() -> None:
    path = SHIPPED / "saliency.onnx"
    network = network_from_stage(path)
    model = onnx.load(path)
    stored = [numpy_helper.to_array(tensor) for tensor in model.graph.initializer if len(tensor.dims) == 4]
    kept = [tensor.half().numpy() for tensor in network.state_dict().values() if tensor.ndim == 4]
    large = {array.tobytes() for array in stored if array.dtype == np.float16 and array.shape[1] != 3}
    assert len(large) > 30
    assert large == {array.tobytes() for array in kept if array.shape[1] != 3}
    agree(path, *network.config.landscape_px)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no saliency stage at"):
        network_from_stage(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("text")
    with pytest.raises(InputError, match="is not a saliency stage"):
        network_from_stage(tmp_path / "text.onnx")
    with pytest.raises(InputError, match="is not a saliency stage"):
        network_from_stage(SHIPPED / "quantize.onnx")
