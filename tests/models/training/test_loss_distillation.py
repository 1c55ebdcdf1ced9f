"""The distillation of a loss network: it learns, it ends in time, and its file is a loss network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from artrt.engine.errors import UsageError
from artrt.models.networks.loss_networks import Encoder
from artrt.models.training.loss_distillation import Distillation, DistillationOptions
from support.weights import tiny_teacher


@pytest.fixture
def options(tmp_path: Path) -> DistillationOptions:
    rng = np.random.default_rng(0)
    for folder in ("photos", "paintings"):
        (tmp_path / folder).mkdir()
        for index in range(4):
            small = rng.integers(0, 256, (12, 12, 3), np.uint8)
            picture = cv2.resize(small, (128, 128), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(tmp_path / folder / f"{index}.png"), picture)
    return DistillationOptions(
        (tmp_path / "photos",),
        (tmp_path / "paintings",),
        tmp_path / "out" / "loss.safetensors",
        seconds=0.3,
        batch=2,
        crop_px=96,
        report_seconds=0.0,
        workers=0,
        fit_pictures=4,
    )


def test_a_run_reports_and_writes_a_network_in_half_precision(options):
    work = Distillation(options, tiny_teacher())
    reports = list(work.run())
    assert reports[-1].step == work.step == len(reports)
    assert set(reports[0].terms) == {"features", "gradients", "distances"}
    assert all(np.isfinite(value) for report in reports for value in report.terms.values())
    weights = load_file(options.output)
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    network = Encoder({name: tensor.float() for name, tensor in weights.items()}, padding="zeros")
    assert network(torch.rand(1, 3, 32, 32), ["relu5_1"])["relu5_1"].shape == (1, 6, 2, 2)


def repeated(work: Distillation, *, steps: int, name: str) -> list[float]:
    """A term at each of several steps on the same pictures with the same shares."""
    batch, values = work._renewed(work._on_device(work.crops.at(0, size=work.options.batch)), None), []
    for step in range(steps):
        work.step = 100 + step
        work._set_rate(0.0)
        torch.manual_seed(1)
        values.append(float(work._train_step(*batch)[0][name]))
    return values


def test_steps_lower_the_error_of_the_features(options):
    work = Distillation(replace(options, learning_rate=2e-3), tiny_teacher())
    for tensor in work.learned:
        tensor.data.add_(0.03 * torch.randn_like(tensor))
    values = repeated(work, steps=5, name="features")
    assert values[-1] < 0.8 * values[0]


def test_the_gradients_alone_teach_every_convolution_up_to_the_deepest_layer(options):
    work = Distillation(replace(options, features=0.0, distances=0.0), tiny_teacher())
    before = {name: tensor.clone() for name, tensor in work.student.state_dict().items()}
    repeated(work, steps=1, name="gradients")
    after = work.student.state_dict()
    unchanged = [name for name, tensor in before.items() if torch.equal(tensor, after[name])]
    assert unchanged == ["convolutions.conv0.weight", "convolutions.conv0.bias"]


def test_a_gradient_that_is_not_finite_changes_nothing(options):
    work = Distillation(options, tiny_teacher())
    before = [tensor.detach().clone() for tensor in work.learned]
    work._set_rate(0.0)
    work._learn(torch.stack([tensor.sum() for tensor in work.learned]).sum() * float("nan"))
    assert all(torch.equal(a, b) for a, b in zip(before, work.learned, strict=True))


def test_the_rate_falls_to_a_hundredth_at_the_end(options):
    work = Distillation(options, tiny_teacher())
    work.step = 1000
    rates = []
    for share in (0.0, 0.5, 1.0):
        work._set_rate(share)
        rates.append(work.optimizer.param_groups[0]["lr"] / options.learning_rate)
    assert rates == pytest.approx([1.0, 0.505, 0.01])


def test_a_stop_is_obeyed_before_the_next_step(options):
    work = Distillation(replace(options, seconds=1000.0), tiny_teacher())
    assert list(work.run(stop=lambda: work.step == 1))[-1].step == 1
    assert options.output.is_file()


def test_small_crops_are_refused(options):
    with pytest.raises(UsageError, match="crops of at least 96 px"):
        replace(options, crop_px=64)
