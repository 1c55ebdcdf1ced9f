"""Distils a small loss network from a large one, so that artrt has a loss network without any download.

The student is a narrow VGG with the teacher's layer names, started by `student_network.fitted_student`. Three terms
teach it:

* features: a linear map of the student's channels gives the teacher's (FitNets: Romero et al. 2015, arXiv:1412.6550);
* gradients: the losses of a painting pull a picture the same way through both networks, which is all that a painting
  feels of its loss network; every picture weighs the layers differently, so that each layer learns its own pull;
* distances: both networks find two pictures equally far apart.

The pictures are photographs on their way to a painting: they follow the student's own pull for some steps, as the
pixels of `paint` do, so the student also sees the pictures that its own mistakes lead to.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from ...engine.errors import UsageError
from ...engine.files import replacing
from ..device import fast_bfloat16
from ..networks.loss_networks import Encoder, LossNetwork
from ..photos import unit_range
from .crops import Crops
from .gradient_matching import STYLE_SHARES, direction, disagreement, disturbed, losses
from .student_network import WIDTHS, fitted_maps, fitted_student

#: The shares of the layers vary by a factor of about e to this power from picture to picture.
_VARIATION = 1.2
#: A picture follows the pull for 1 / `_RENEWED` steps on average, each of this length in units of [0, 1].
_RENEWED, _STRIDE = 0.15, 0.015
_EPSILON = 1e-8


@dataclass(frozen=True)
class DistillationOptions:
    """All options of a distillation.

    Attributes:
        photographs: Folders of photographs.
        paintings: Folders of paintings.
        output: File of the result, in half precision.
        seconds: Time for the training; the learning rate falls along a cosine to its end then.
        batch: Pictures per step, with one painting each.
        crop_px: Side of their crops.
        learning_rate: Peak learning rate.
        features: Weight of the term of the same name, as are the next two.
        gradients: See above.
        distances: See above.
        average: Decay of the averaged weights, which are the result.
        write_seconds: Time between two writes of the result so far.
        report_seconds: Time between two reports.
        workers: Processes that crop pictures; 0 for none.
        fit_pictures: Pictures for the fit of the start.
        device: torch's name of the device.
        seed: Seed of everything random.
    """

    photographs: tuple[Path, ...]
    paintings: tuple[Path, ...]
    output: Path
    seconds: float = 3600.0
    batch: int = 16
    crop_px: int = 144
    learning_rate: float = 1e-3
    features: float = 1.0
    gradients: float = 2.0
    distances: float = 0.1
    average: float = 0.998
    write_seconds: float = 30.0
    report_seconds: float = 5.0
    workers: int = 4
    fit_pictures: int = 64
    device: str = "cpu"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.seconds <= 0 or self.batch < 1 or self.crop_px < 96:
            raise UsageError(
                "a distillation needs some seconds, at least one picture per step, and crops of at least 96 px; "
                f"got {self.seconds:g} s, {self.batch} and {self.crop_px} px"
            )


@dataclass(frozen=True)
class DistillationProgress:
    """Progress: steps taken, seconds since the first, and the terms of the last step."""

    step: int
    seconds: float
    terms: dict[str, float]


class Distillation:
    """A distillation under way.

    Attributes:
        student: The network that learns.
        step: Steps taken.
    """

    def __init__(self, options: DistillationOptions, teacher: LossNetwork) -> None:
        """Reads the pictures and fits the student's start.

        Raises:
            InputError: A folder without pictures.
        """
        torch.manual_seed(options.seed)
        self.options, self.step, self.device = options, 0, torch.device(options.device)
        self.half = self.device.type == "cuda" or fast_bfloat16()
        if self.device.type == "cuda":
            torch.set_float32_matmul_precision("high")
        self.teacher = teacher.requires_grad_(False).to(self.device)
        self.crops = Crops(
            options.photographs,
            options.paintings,
            size=options.batch,
            side_px=options.crop_px,
            seed=options.seed,
        )
        pictures = torch.cat(self._on_device(self.crops.at(0, size=options.fit_pictures // 2)))
        self.student = Encoder(fitted_student(self.teacher, pictures, seed=options.seed), padding="zeros")
        self.student.to(self.device)
        for name in WIDTHS:
            self.student.convolutions[name].requires_grad_(True)
        self.maps = fitted_maps(self.student, self.teacher, pictures, tuple(STYLE_SHARES))
        self.learned = [p for p in (*self.student.parameters(), *self.maps.parameters()) if p.requires_grad]
        self.optimizer = torch.optim.Adam(self.learned, lr=0.0, betas=(0.9, 0.99), foreach=True)
        self.average = {name: tensor.clone() for name, tensor in self.student.state_dict().items()}

    def run(self, *, stop: Callable[[], bool] = lambda: False) -> Iterator[DistillationProgress]:
        """Trains for the given time, yielding reports; writes the network now and then, and at the end.

        Args:
            stop: Asked before each step; ends the training early.
        """
        options, started = self.options, time.monotonic()
        reported = written = started
        under_way: list[Tensor] | None = None
        for fresh in self.crops.ahead(options.workers, pinned=self.device.type == "cuda"):
            elapsed = time.monotonic() - started
            if elapsed >= options.seconds or stop():
                break
            self._set_rate(elapsed / options.seconds)
            under_way = self._renewed(self._on_device(fresh), under_way)
            terms, under_way[0] = self._train_step(*under_way)
            self.step += 1
            now = time.monotonic()
            if now - reported >= options.report_seconds:  # reading the terms waits for the device
                reported = now
                yield DistillationProgress(self.step, now - started, {k: float(v) for k, v in terms.items()})
            if now - written >= options.write_seconds:
                written = now
                self.write_network()
        self.write_network()

    def write_network(self) -> Path:
        """Writes the averaged student in half precision, rounded to bfloat16: it paints the same and packs better."""
        names = [f"{name}.{kind}" for name in ("conv0", *WIDTHS) for kind in ("weight", "bias")]
        tensors = {
            name: self.average[f"convolutions.{name}"].cpu().bfloat16().half().contiguous() for name in names
        }
        about = {"teacher": self.teacher.name, "steps": str(self.step)}
        with replacing(self.options.output) as temporary:
            save_file(tensors, str(temporary), metadata=about)
        return self.options.output

    def _on_device(self, pair: Sequence[Tensor]) -> list[Tensor]:
        return [unit_range(part.to(self.device, non_blocking=True)) for part in pair]

    def _renewed(self, fresh: Sequence[Tensor], under_way: list[Tensor] | None) -> list[Tensor]:
        """Pictures, photographs and styles of a step: those under way, some of them replaced by new ones."""
        photographs, styles = fresh
        new = [disturbed(photographs), photographs, styles]
        if under_way is None:
            return new
        renewed = torch.rand(len(styles), 1, 1, 1, device=self.device) < _RENEWED
        return [torch.where(renewed, a, b) for a, b in zip(new, under_way, strict=True)]

    def _train_step(
        self, pictures: Tensor, photographs: Tensor, styles: Tensor
    ) -> tuple[dict[str, Tensor], Tensor]:
        """One step; returns its terms, and the pictures after a step along the student's pull."""
        pictures = pictures.detach().requires_grad_()
        together = torch.cat([pictures, styles, photographs]).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            known = {name: f.float() for name, f in self.teacher(together, STYLE_SHARES).items()}
        found = self.student(together, STYLE_SHARES)
        expected, seen = losses(known), losses(found)
        shares = torch.randn_like(expected).mul(_VARIATION).exp()
        (wanted,) = torch.autograd.grad((expected * shares).sum(), pictures)
        (pull,) = torch.autograd.grad((seen * shares).sum(), pictures, create_graph=True)
        terms = {
            "features": self._feature_errors(found, {name: value.detach() for name, value in known.items()}),
            "gradients": disagreement(pull, wanted),
            "distances": ((seen - expected.detach()) / (expected.detach() + 0.02)).square().mean(),
        }
        options = self.options
        weights = {
            "features": options.features,
            "gradients": options.gradients,
            "distances": options.distances,
        }
        self._learn(torch.stack([weights[name] * term for name, term in terms.items()]).sum())
        with torch.no_grad():
            moved = (pictures - _STRIDE * direction(pull.detach()).nan_to_num()).clamp(0, 1)
        return {name: term.detach() for name, term in terms.items()}, moved

    def _learn(self, total: Tensor) -> None:
        """Takes an optimizer step; a gradient that is not finite counts as none, without waiting for the device."""
        gradients = torch.autograd.grad(total, self.learned)
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        factor = torch.where(norm.isfinite(), (1.0 / (norm + 1e-6)).clamp(max=1.0), 0.0)
        for parameter, gradient in zip(self.learned, gradients, strict=True):
            parameter.grad = gradient.nan_to_num(0.0, 0.0, 0.0).mul_(factor).contiguous()
        self.optimizer.step()
        with torch.no_grad():
            decay = min(self.options.average, (self.step + 1) / (self.step + 10))
            torch._foreach_lerp_(
                list(self.average.values()), list(self.student.state_dict().values()), 1 - decay
            )

    def _set_rate(self, share: float) -> None:
        warm = min(1.0, (self.step + 1) / 100)
        for group in self.optimizer.param_groups:
            group["lr"] = (
                self.options.learning_rate * warm * (0.01 + 0.99 * (1 + math.cos(math.pi * share)) / 2)
            )

    def _feature_errors(self, found: dict[str, Tensor], known: dict[str, Tensor]) -> Tensor:
        """Squared error of the mapped features, relative to each channel's variance, mean over layers."""
        errors = []
        for layer, target in known.items():
            difference = (self.maps[layer](found[layer]) - target).square().mean(dim=(0, 2, 3))
            variance = target.var(dim=(0, 2, 3))
            errors.append((difference / (variance + 0.01 * variance.mean() + _EPSILON)).mean())
        return torch.stack(errors).mean()
