from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from artrt.engine.errors import InputError, UsageError
from artrt.models.networks.localization import SQUEEZENET_FILE
from artrt.models.networks.saliency import (
    SaliencyConfig,
    SaliencyNetwork,
    load_saliency_network,
    start_from_imagenet,
)
from artrt.models.saliency.options import SaliencyTrainingOptions
from artrt.models.saliency.teacher_masks import multiscale_mask, teacher_mask
from artrt.models.saliency.trainer import mask_loss, train_saliency
from support.weights import write_weights

SMALL = SaliencyConfig(last="fire6", width=16, landscape_px=(32, 48), square_px=(32, 32))


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures with masks, photographs, weights: a disc on a plain ground."""
    folder = tmp_path_factory.mktemp("material")
    write_weights(folder / "weights")
    rng = np.random.default_rng(0)
    for name in ("images", "masks", "photos"):
        (folder / name).mkdir()
    for index in range(10):
        picture = np.full((48, 72, 3), rng.integers(10, 120, 3), np.uint8)
        mask = np.zeros((48, 72), np.uint8)
        centre = (int(rng.integers(20, 52)), int(rng.integers(16, 32)))
        cv2.circle(mask, centre, 12, 255, -1)
        picture[mask > 0] = rng.integers(150, 255, 3)
        cv2.imwrite(str(folder / "images" / f"p{index}.png"), picture)
        cv2.imwrite(str(folder / "masks" / f"p{index}.png"), mask)
        cv2.imwrite(str(folder / "photos" / f"q{index}.png"), picture[:, ::-1])
    return folder


def options(material: Path, output: Path, *, steps: int = 4) -> SaliencyTrainingOptions:
    return SaliencyTrainingOptions(
        masks=material,
        localization=material / "weights" / SQUEEZENET_FILE,
        output=output,
        photographs=material / "photos",
        config=SMALL,
        steps=steps,
        batch=4,
        frozen=("conv1",),
    )


def test_training_lowers_the_loss_and_leaves_frozen_weights_alone(material: Path, tmp_path: Path) -> None:
    losses: list[float] = []
    network, scores = train_saliency(
        replace(options(material, tmp_path, steps=30), photographs=None, learning_rate=4e-3),
        report=lambda progress: losses.append(progress.mask_loss),
    )
    assert np.mean(losses[-6:]) < np.mean(losses[:6]) - 0.15
    start = SaliencyNetwork(SMALL)
    start_from_imagenet(start, material / "weights" / SQUEEZENET_FILE)
    assert torch.equal(network.encoder.conv1.weight, start.encoder.conv1.weight)
    assert not torch.equal(network.entry.weight, start.entry.weight)
    saved, record = load_saliency_network(tmp_path / "saliency.safetensors")
    assert record["held_out"] == scores.to_dict()
    assert record["steps"] == 30
    assert scores.pictures == 2
    assert torch.equal(saved.mask_head.weight, network.mask_head.weight)


def test_a_resumed_training_equals_an_uninterrupted_one(material: Path, tmp_path: Path) -> None:
    whole, _ = train_saliency(options(material, tmp_path / "whole"))

    def stop(progress: object) -> None:
        raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            train_saliency(options(material, tmp_path / "parts"), report=stop)
    parts, _ = train_saliency(options(material, tmp_path / "parts"))
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(parts.state_dict()[name], tensor, msg=name)


def test_a_training_may_start_from_a_network_and_borrow_its_masks(material: Path, tmp_path: Path) -> None:
    train_saliency(options(material, tmp_path / "first", steps=2))
    path = tmp_path / "first" / "saliency.safetensors"
    second = replace(
        options(material, tmp_path / "second", steps=1), start=path, teachers=(path, path), learning_rate=0.0
    )
    network, _ = train_saliency(second)
    first, record = load_saliency_network(path)
    assert torch.allclose(network.entry.weight, first.entry.weight)
    assert torch.allclose(network.mask_head.weight, first.mask_head.weight)  # softened, then sharpened again
    _, after = load_saliency_network(tmp_path / "second" / "saliency.safetensors")
    assert after["teachers"] == [record, record]
    assert after["start"] == record


def test_the_mask_loss_is_small_for_the_mask_itself_and_judges_pictures_alone() -> None:
    mask = torch.zeros(2, 16, 16)
    mask[:, 4:12, 4:12] = 1
    logits = (mask * 2 - 1) * 12
    assert mask_loss(logits, mask).max() < 0.01
    mixed = torch.stack([logits[0], -logits[1]])
    assert mask_loss(mixed, mask)[0] < 0.01
    assert mask_loss(mixed, mask)[1] > 2


def test_the_borrowed_mask_is_the_mean_of_the_teachers_and_of_mirror_images(material: Path) -> None:
    image = cv2.imread(str(material / "images" / "p1.png"))[..., ::-1].copy()
    teachers = []
    for seed in range(2):
        torch.manual_seed(seed)
        teachers.append(SaliencyNetwork(SMALL).eval())
    first, second = (multiscale_mask(teacher, image) for teacher in teachers)
    assert first.shape == (48, 72)
    assert np.abs(first - second).max() > 0.01
    np.testing.assert_allclose(teacher_mask(teachers, image), (first + second) / 2 * 255, atol=0.51)
    mirrored = multiscale_mask(teachers[0], np.ascontiguousarray(image[:, ::-1]))
    np.testing.assert_allclose(mirrored[:, ::-1], first, atol=1e-4)


def test_settings_that_make_no_sense_are_refused(material: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="steps and batch must be positive, got 0"):
        replace(options(material, tmp_path), steps=0)
    with pytest.raises(UsageError, match="share of photographs"):
        replace(options(material, tmp_path), photograph_share=1.0)


def test_a_gpu_that_pytorch_does_not_find_is_refused(
    material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="finds no CUDA GPU; use --device cpu"):
        train_saliency(replace(options(material, tmp_path), device="cuda"))


def test_a_start_or_a_checkpoint_of_other_sizes_is_refused(material: Path, tmp_path: Path) -> None:
    train_saliency(options(material, tmp_path, steps=1))
    wider = replace(options(material, tmp_path, steps=1), config=replace(SMALL, width=32))
    with pytest.raises(InputError, match="give another --output"):
        train_saliency(wider)
    start = tmp_path / "saliency.safetensors"
    with pytest.raises(UsageError, match="fire6 with width 16, .* at fire6 with 32"):
        train_saliency(replace(wider, output=tmp_path / "other", start=start))
