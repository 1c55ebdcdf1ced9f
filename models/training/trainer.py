"""Trains a trunk and its styles together, or one new style with a frozen trunk.

Every step draws its photographs, styles and warps from a generator seeded by (seed, step), so an interrupted training
continues exactly like an uninterrupted one. Loss terms and their sources are in `losses`.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...engine.errors import ArtrtError, UsageError
from ..device import bfloat16_pays, training_device
from ..networks.pretrained import locate
from ..networks.style_encoder import StyleEncoder
from ..networks.transformer import CONFIGS, StyleTransformer
from ..photos import Photographs, unit_range
from ..step_batches import loaded
from .checkpoint import (
    CHECKPOINT_FILE,
    TRUNK_PREFIX,
    averaged_weights,
    check_styles,
    read_checkpoint,
    write_checkpoint,
)
from .gate import STEPS_BETWEEN, Gate
from .growth import grown_vectors, grown_weights
from .loading import Batch, Batches, prepare_photographs
from .log import ScalarLog
from .objective import TrainingObjective, placed
from .options import TermWeights, TrainingOptions, plain_options
from .painting_pool import PaintingPool
from .sample_sheet import write_sample_sheet
from .style_bank import StyleBank, balanced

#: Number of paintings whose statistics initialise the style encoder.
ENCODER_SAMPLE = 200
#: Steps on a GPU between two readings of the loss terms; each reading waits for the GPU.
GPU_READING_STEPS = 10


@dataclass(frozen=True)
class Progress:
    """Progress after a step: the step, number of steps, terms by name, seconds per step."""

    step: int
    steps: int
    terms: dict[str, float]
    seconds_per_step: float


class Trainer:
    """A running training.

    Attributes:
        transformer: The trunk.
        bank: The style vectors.
        encoder: The style encoder, trained together with them if paintings for it are given.
        step: Optimizer steps taken.
        begun: The first step of the learning-rate schedule: the step of the start checkpoint, or 0.
        last_terms: Loss terms of the last step by name.
    """

    def __init__(
        self,
        options: TrainingOptions,
        *,
        trunk: StyleTransformer | None = None,
        start: Tensor | None = None,
        resume: Path | None = None,
        warm_start: Path | None = None,
    ) -> None:
        """Prepares a training; writes nothing yet.

        Args:
            options: Options of the training.
            trunk: A trained trunk to freeze; then only style vectors are trained.
            start: Vector [D] that every style starts from; the neutral one by default.
            resume: A checkpoint to continue.
            warm_start: A checkpoint of another training to start from; its trunk may be smaller, its paintings may
                differ. Optimizer and learning rate start again. `resume` has priority.

        Raises:
            InputError: Photographs, paintings, weights or the checkpoint are missing or unreadable.
            UsageError: The checkpoint has another configuration, or is larger than this one.
        """
        self.options = options
        self.device = training_device(options.device)
        self.frozen = trunk is not None or options.encoder_alone
        torch.manual_seed(options.seed)
        self.transformer = trunk or StyleTransformer(CONFIGS[options.config])
        self.transformer.requires_grad_(not self.frozen)
        start = self.transformer.neutral_style() if start is None else start
        self.bank = StyleBank(list(options.paintings), start)
        self.encoder = StyleEncoder(self.transformer.style_size) if options.encoder_paintings else None
        self.pool = PaintingPool(options.encoder_paintings) if options.encoder_paintings else None
        self.step = self.begun = 0
        self.last_terms: dict[str, float] = {}
        self.gate: Gate | None = None
        self.history: list[dict[str, Any]] = []
        self._to_device()
        square_px = self.transformer.config.square_px
        self.objective = TrainingObjective(options, self.device, square_px=square_px, half=self._bfloat16())
        if options.gate_drop > 0 and self.objective.localization is not None:
            paintings = self.objective.paintings()
            self.gate = Gate(self.objective.localization, paintings, drop=options.gate_drop)
        groups = [{"params": list(part.parameters())} for _, part, _ in self._learning()]
        self.optimizer = torch.optim.Adam(groups, lr=0, betas=(0.9, 0.99), fused=True)
        self.average = {name: p.detach().clone() for name, p in self._named_parameters()}
        if resume is not None:
            self._load_checkpoint(resume)
        elif warm_start is not None:
            self._take_over(warm_start)
        else:
            self._start_encoder({})
        self.history.append({"step": self.step, "options": plain_options(options)})

    def run(
        self, photographs: Photographs, *, stop: Callable[[], bool] = lambda: False
    ) -> Iterator[Progress]:
        """Trains to the last step, yielding after each; writes a checkpoint regularly and at the end.

        Args:
            photographs: Training photographs.
            stop: Called after each step; True ends the training cleanly.

        Raises:
            ArtrtError: A loss is not finite; the last good checkpoint is kept.
        """
        options = self.options
        options.output.mkdir(parents=True, exist_ok=True)
        samples = photographs.batch(np.random.default_rng(options.seed), 4, 256).to(self.device)
        batches = loaded(Batches(options, photographs, self.pool, step=self.step), device=self.device)
        every = GPU_READING_STEPS if self.device.type == "cuda" else 1
        log = ScalarLog(options.output, purge_step=self.step)
        saved = time.monotonic()
        try:
            while self.step < options.steps and not stop():
                started = time.perf_counter()
                found = self._train_step(next(batches))
                if (self.step + 1) % every == 0 or not self.last_terms:
                    self.last_terms = self._read(found)
                terms = self.last_terms
                self.step += 1
                if self.gate is not None and self._is_gated():
                    terms["painted"] = self.gate.check(self.transformer, samples, self.bank.vectors)
                yield Progress(self.step, options.steps, terms, time.perf_counter() - started)
                if self.step % 10 == 0:
                    log.write(self.step, terms | {"learning_rate": self._learning_rate()})
                if self.step % options.sample_steps == 0:
                    self.write_samples(samples)
                if time.monotonic() - saved > options.checkpoint_seconds:
                    self.save_checkpoint()
                    saved = time.monotonic()
        finally:
            log.close()
            self.save_checkpoint()

    def averaged(self) -> tuple[StyleTransformer, dict[str, Tensor]]:
        """The averaged trunk, and style vectors [D] by name, for the zoo."""
        trunk = StyleTransformer(self.transformer.config)
        state = self.transformer.state_dict()
        trunk.load_state_dict(
            {name: self.average.get(f"{TRUNK_PREFIX}{name}", state[name]) for name in state}
        )
        vectors = self.average["bank.vectors"].cpu()
        return trunk.eval(), dict(zip(self.bank.names, vectors, strict=True))

    def write_samples(self, samples: Tensor) -> Path:
        """Paints float [N, 3, H, W] in every style and writes the sample sheet as a JPEG."""
        trunk, vectors = self.averaged()
        path = self.options.output / f"samples-{self.step:06d}.jpg"
        write_sample_sheet(
            path, trunk.to(self.device), {k: v.to(self.device) for k, v in vectors.items()}, samples
        )
        return path

    def save_checkpoint(self) -> Path:
        """Writes a checkpoint atomically."""
        path = self.options.output / CHECKPOINT_FILE
        write_checkpoint(
            path,
            {
                "step": self.step,
                "begun": self.begun,
                "config": self.transformer.config.name,
                "styles": self.bank.names,
                "average": self.average,
                "optimizer": self.optimizer.state_dict(),
                "history": json.dumps(self.history),
                "gate": {} if self.gate is None else self.gate.state(),
            }
            | {name: module.state_dict() for name, module, _ in self._parts()},
        )
        return path

    def measure_step(self, photographs: Photographs) -> None:
        """Runs forward and backward with the final weights, without an optimizer step, for timing."""
        step, self.step = self.step, self.options.ramp_start + self.options.ramp_steps
        try:
            batch = Batches(self.options, photographs, self.pool, step=self.step).at(self.step)
            self._terms(batch)["total"].backward()  # type: ignore[no-untyped-call]
            self.optimizer.zero_grad(set_to_none=True)
        finally:
            self.step = step

    def _train_step(self, batch: Batch) -> dict[str, Tensor]:
        """One step; returns the terms and their weighted `total`. A step that is not finite changes nothing."""
        terms = self._terms(batch)
        rate = self._learning_rate()
        for group, (_, _, factor) in zip(self.optimizer.param_groups, self._learning(), strict=True):
            group["lr"] = rate * factor
        self.optimizer.zero_grad(set_to_none=True)
        terms["total"].backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self._parameters(), self.options.gradient_clip)
        # as torch.amp.GradScaler tells a fused optimizer to skip the step, without waiting for the GPU
        self.optimizer.found_inf = (~torch.isfinite(norm)).float()  # type: ignore[attr-defined]
        self.optimizer.step()
        self._average()
        return {name: term.detach() for name, term in terms.items()} | {"norm": norm.detach()}

    def _read(self, terms: Mapping[str, Tensor]) -> dict[str, float]:
        """Terms as numbers.

        Raises:
            ArtrtError: The loss or its gradient is not finite.
        """
        values = dict(zip(terms, torch.stack([t.float() for t in terms.values()]).tolist(), strict=True))
        if not math.isfinite(values["total"] + values.pop("norm")):
            raise self._not_finite(values)
        return values

    def _terms(self, batch: Batch) -> dict[str, Tensor]:
        """The loss terms of this step, and `total`, their weighted sum."""
        options = self.options
        content, paintings = (unit_range(part.to(self.device, non_blocking=True)) for part in batch)
        own = len(content) - len(paintings)
        styles = torch.from_numpy(balanced(options.seed, self.step, own, self._shares())).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._bfloat16()):
            vectors, others = self.bank(styles), None
            if self.encoder is not None:
                vectors, others = torch.cat([vectors, self.encoder(paintings).to(vectors.dtype)]), paintings
            weights = self._weights()
            rng = np.random.default_rng([options.seed, self.step, 1])
            terms = self.objective.terms(
                self.transformer.paint, content, styles, vectors, weights=weights, rng=rng, others=others
            )
        return terms | {"total": torch.stack([weights[name] * term for name, term in terms.items()]).sum()}

    def _weights(self) -> dict[str, float]:
        weights = self.objective.weights_at(self.step)
        return weights if self.gate is None else self.gate.applied(weights)

    def _is_gated(self) -> bool:
        """Whether the gate measures after this step: at the start of the ramp, and regularly after it."""
        since = self.step - self.options.ramp_start
        return since >= 0 and since % STEPS_BETWEEN == 0

    def _not_finite(self, terms: Mapping[str, float]) -> ArtrtError:
        """The error message with the term that has the largest share."""
        weights = self._weights()
        shares = {name: weights[name] * abs(terms[name]) for name in terms if name in weights}
        worst = max(shares, key=lambda name: np.nan_to_num(shares[name], nan=1e30))
        return ArtrtError(
            f"the {worst} loss is no longer finite at step {self.step}: lower its weight or the rate"
        )

    def _shares(self) -> list[int]:
        return [self.options.style_share.get(name, 1) for name in self.bank.names]

    def _learning_rate(self) -> float:
        done, length = self.step - self.begun, max(1, self.options.steps - self.begun)
        warm = min(1.0, (done + 1) / 100)
        cosine = 0.5 * (1 + np.cos(np.pi * done / length))
        return float(self.options.learning_rate * warm * (0.01 + 0.99 * cosine))

    def _bfloat16(self) -> bool:
        if self.options.bfloat16 is not None:
            return self.options.bfloat16
        return bfloat16_pays(self.device)

    def _average(self) -> None:
        decay = min(self.options.ema, (self.step + 1) / (self.step + 10))
        names, parameters = zip(*self._named_parameters(), strict=True)
        with torch.no_grad():
            torch._foreach_lerp_([self.average[name] for name in names], list(parameters), 1 - decay)

    def _parts(self) -> list[tuple[str, nn.Module, float]]:
        """(name, module, learning-rate factor) of all modules."""
        parts = [("transformer", self.transformer, 1.0), ("bank", self.bank, self.options.vector_rate)]
        return (
            parts if self.encoder is None else [*parts, ("encoder", self.encoder, self.options.encoder_rate)]
        )

    def _learning(self) -> list[tuple[str, nn.Module, float]]:
        """The modules that this training changes."""
        still = ["transformer"] * self.frozen + ["bank"] * self.options.encoder_alone
        return [part for part in self._parts() if part[0] not in still]

    def _named_parameters(self) -> list[tuple[str, nn.Parameter]]:
        return [
            (f"{part}.{name}", p)
            for part, module, _ in self._learning()
            for name, p in module.named_parameters()
        ]

    def _parameters(self) -> list[nn.Parameter]:
        return [parameter for _, parameter in self._named_parameters()]

    def _to_device(self) -> None:
        self.transformer = placed(self.transformer, self.device)
        self.bank = self.bank.to(self.device)
        if self.encoder is not None:
            self.encoder = placed(self.encoder, self.device)

    def _take_over(self, path: Path) -> None:
        """Loads weights, vectors and their averages of another training, grown to these sizes."""
        state = read_checkpoint(path, self.device)
        averages = averaged_weights(state)
        if not averages:
            raise UsageError(f"{path} trains single styles, not a trunk: it cannot start one")
        self._check_dilations(path, state["config"])

        def vectors(known: Tensor) -> Tensor:
            grown = grown_vectors(known, state["transformer"], self.transformer)
            rows = dict(zip(state["styles"], grown, strict=True))
            mean = grown.mean(dim=0)  # the start of a new painting
            return torch.stack([rows.get(name, mean) for name in self.bank.names])

        averages = grown_weights(averages, self.transformer)
        self.transformer.load_state_dict(grown_weights(state["transformer"], self.transformer))
        self.bank.load_state_dict({"vectors": vectors(state["bank"]["vectors"])})
        self.average = {f"{TRUNK_PREFIX}{name}": tensor for name, tensor in averages.items()}
        self.average["bank.vectors"] = vectors(state["average"]["bank.vectors"])
        self._start_encoder(state)
        self.step = self.begun = int(state["step"])
        self.history = json.loads(state["history"])

    def _start_encoder(self, state: Mapping[str, Any]) -> None:
        """Loads the encoder of the other training, or initialises one from its vectors."""
        if self.encoder is None or self.pool is None:
            return
        if "encoder" in state:
            self.encoder.load_state_dict(state["encoder"])
            names = [name for name, _ in self.encoder.named_parameters()]
            self.average |= {f"encoder.{name}": state["average"][f"encoder.{name}"].float() for name in names}
            return
        sample = self.pool.batch(np.random.default_rng(self.options.seed), ENCODER_SAMPLE)
        path = locate("squeezenet1_1", directory=self.options.weights_directory)[0]
        self.encoder.start(path, self.average["bank.vectors"], sample.to(self.device))
        self.average |= {f"encoder.{name}": p.detach().clone() for name, p in self.encoder.named_parameters()}

    def _check_dilations(self, path: Path, config: str) -> None:
        """Checks that a trunk's blocks are the first ones of this trunk; otherwise their weights do not fit."""
        own = self.transformer.config.dilations
        known = CONFIGS[config].dilations if config in CONFIGS else own
        if own[: len(known)] != known:
            raise UsageError(
                f"{path} is of the configuration {config!r}, whose blocks have the dilations {known}: a trunk with "
                f"{own} cannot grow from it"
            )

    def _load_checkpoint(self, path: Path) -> None:
        state = read_checkpoint(path, self.device)
        check_styles(path, state, config=self.transformer.config.name, styles=self.bank.names)
        try:
            self.transformer.load_state_dict(state["transformer"])
        except RuntimeError as error:  # sizes differ
            raise UsageError(
                f"{path} is of other sizes than {state['config']!r}: start a new folder from it instead (--start)"
            ) from error
        self.bank.load_state_dict(state["bank"])
        if self.encoder is not None:
            self.encoder.load_state_dict(state["encoder"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.gate is not None and state.get("gate"):
            self.gate.resume(state["gate"])
        self.average = {name: tensor.to(self.device) for name, tensor in state["average"].items()}
        self.step, self.begun = int(state["step"]), int(state.get("begun", 0))
        self.history = json.loads(state["history"])


__all__ = ["TermWeights", "Progress", "Trainer", "TrainingOptions", "prepare_photographs"]
