from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from artrt.engine.stages.loading import load_stage
from artrt.export.onnx_cost import cost_of
from artrt.export.onnx_from_saliency import onnx_from_saliency, save_saliency_stage
from artrt.models.networks.saliency import SaliencyConfig, SaliencyNetwork, predict

SMALL = SaliencyConfig(last="fire6", width=16, landscape_px=(32, 48), square_px=(32, 32))


def trained() -> SaliencyNetwork:
    """A network with batch statistics other than 0 and 1, and logits of both signs."""
    torch.manual_seed(3)
    network = SaliencyNetwork(SMALL).train()
    for _ in range(5):
        network(torch.rand(4, 3, 32, 48))
    with torch.no_grad():
        network.cam_head.bias -= 1.2  # maps that neither vanish nor fill the mask
    return network.eval()


def photograph(height: int, width: int) -> np.ndarray:
    small = np.random.default_rng(2).integers(0, 256, (8, 12, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("attention", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("half_weights", [False, True])
@pytest.mark.parametrize("size", [(32, 48), (48, 32), (32, 32)])
def test_the_stage_equals_the_network(
    tmp_path: Path, size: tuple[int, int], half_weights: bool, attention: float
) -> None:
    network = trained()
    path = tmp_path / "saliency.onnx"
    path.write_bytes(onnx_from_saliency(network, half_weights=half_weights).SerializeToString())
    image = photograph(*size)
    with load_stage(path, provider="cpu", threads=1) as stage:
        mask = stage(image, attention=attention)
    expected = predict(network, np.ascontiguousarray(image[..., ::-1]), attention=attention)
    assert mask.shape == size
    assert mask.dtype == np.float32
    assert np.abs(mask - expected).max() < (5e-3 if half_weights else 1e-4)
    assert mask.std() > 0.001


def test_only_rows_and_columns_of_planes_are_resized() -> None:
    """What CUDA's Resize can do: it takes the last two axes for rows and columns, whatever they are."""
    model = onnx_from_saliency(trained())
    resized = [(node.input[0], node.output[0]) for node in model.graph.node if node.op_type == "Resize"]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for pair in resized for name in pair)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    results = session.run(None, {"frame": photograph(150, 190), "attention": np.array(1, np.float32)})
    shapes = {name: result.shape for name, result in zip(names, results, strict=True)}
    assert len(resized) >= 4
    assert [shapes[before][:2] for before, _ in resized] == [shapes[after][:2] for _, after in resized]


def test_a_large_frame_is_seen_without_skipping_pixels(tmp_path: Path) -> None:
    network = trained()
    path = save_saliency_stage(tmp_path / "s.onnx", network, scores={})
    small = photograph(32, 48).astype(np.int16)
    stripes = np.tile(np.array([-40, 40, 40, -40], np.int16), 48)[
        :, None
    ]  # mean 0, but not in the middle of four
    image = (small.repeat(4, 0).repeat(4, 1) + stripes).clip(0, 255).astype(np.uint8)
    with load_stage(path, provider="cpu", threads=1) as stage:
        mask = stage(image, attention=0.0)
    expected = predict(network, np.ascontiguousarray(image[..., ::-1]), size=(32, 48))
    assert np.abs(mask - expected).max() < 5e-3
    assert mask.std() > 0.001


def test_attention_only_adds_to_the_mask_and_is_on_by_default(tmp_path: Path) -> None:
    path = save_saliency_stage(tmp_path / "s.onnx", trained(), scores={})
    image = photograph(64, 96)
    with load_stage(path, provider="cpu", threads=1) as stage:
        alone, half, full = (stage(image, attention=amount) for amount in (0.0, 0.5, 1.0))
        assert np.array_equal(stage(image), full)
    assert (alone <= half).all()
    assert (half <= full).all()
    assert full.mean() > alone.mean() + 0.01


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (123, 77), (360, 640)])
def test_frames_of_any_size_give_a_mask_in_range(tmp_path: Path, size: tuple[int, int]) -> None:
    path = save_saliency_stage(tmp_path / "s.onnx", trained(), scores={"mae": 0.123456})
    with load_stage(path, provider="cpu", threads=1) as stage:
        mask = stage(photograph(*size))
        assert stage.spec.extra["held_out"] == {"mae": 0.1235}
    assert mask.shape == SMALL.grid(*size)
    assert 0 <= mask.min() <= mask.max() <= 1


def test_cost_counts_convolutions(tmp_path: Path) -> None:
    network = trained()
    path = save_saliency_stage(tmp_path / "s.onnx", network, scores={})
    cost = cost_of(path, height=64, width=96)
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    parameters = sum(m.weight.numel() + m.out_channels for m in convolutions)
    assert cost.parameters == parameters
    first = 16 * 24 * 64 * 27
    assert first < cost.macs < 60 * first
    larger = cost_of(path, height=640, width=960)
    assert larger.macs == cost.macs  # the grid is fixed
