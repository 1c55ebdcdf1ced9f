"""Runs the stages of a pipeline on every frame with the current controls."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..frame import Image, check_image
from ..stages.backdrop import BACKGROUND, needs_mask, with_region
from ..stages.chain import Chain, FrameFunction, name_of
from ..stages.stage import Stage
from ..statistics import Statistics
from .controls import Controls
from .stabilizer import Stabilizer


class Runner:
    """Runs stages in order. Neighbouring `Stage` objects become one `Chain`, so that frames stay on their device.

    Args:
        stages: In order.
        controls: Values and switches, read for every frame.
        statistics: Receives the time of every stage.
    """

    def __init__(
        self, stages: Sequence[FrameFunction], *, controls: Controls, statistics: Statistics
    ) -> None:
        self._stages = _grouped(stages)
        self._controls = controls
        self._statistics = statistics
        self._stabilizer = Stabilizer()
        self.last_ms: dict[str, float] = {}

    @property
    def provider(self) -> str:
        """Providers of the stages: "cpu", "cuda"; several are joined by "+"."""
        found = [_provider(stage) for stage in self._stages]
        return "+".join(dict.fromkeys(name for name in found if name))

    def __call__(self, image: Image) -> Image:
        """Runs every stage that is on; `last_ms` then holds their times.

        Args:
            image: uint8 [H, W, 3], BGR; not modified.
        """
        self.last_ms = {}
        values = self._controls.values()
        amount = float(values.pop("stabilize", 0.0))
        styled = self._stylize(image, values)
        if amount <= 0 or not self.last_ms:  # without a stage there is no flicker
            self._stabilizer.reset()
            return styled
        started = time.perf_counter()
        blended = self._stabilizer(
            image, styled, amount=amount, fingerprint=_fingerprint(values, self._controls)
        )
        self._count("stabilize", started)
        return blended

    def reset(self) -> None:
        """Starts a new scene: resets every stage."""
        self._stabilizer.reset()
        for stage in self._stages:
            reset = getattr(stage, "reset", None)
            if reset is not None:
                reset()

    def _stylize(self, image: Image, values: Mapping[str, Any]) -> Image:
        for stage in self._stages:
            if isinstance(stage, Chain):
                image = self._run_chain(stage, image, values)
            elif self._controls.is_on(name_of(stage)):
                started = time.perf_counter()
                image = check_image(stage(image, **_own(stage, values)))
                self._count(name_of(stage), started)
        return image

    def _run_chain(self, chain: Chain, image: Image, values: Mapping[str, Any]) -> Image:
        for stage in chain.stages:
            wanted = self._controls.is_on(stage.name)
            if stage.spec.output == "mask":
                wanted = wanted and needs_mask(values)
            if wanted != (stage.name in chain.enabled):
                chain.enable(stage.name, wanted)
        image = chain(image, **_own(chain, with_region(values)))
        for name, seconds in chain.seconds.items():
            self.last_ms[name] = seconds * 1e3
            self._statistics.stage(name, seconds * 1e3)
        return image

    def _count(self, name: str, started: float) -> None:
        self.last_ms[name] = (time.perf_counter() - started) * 1e3
        self._statistics.stage(name, self.last_ms[name])


def _grouped(stages: Sequence[FrameFunction]) -> list[FrameFunction]:
    groups: list[FrameFunction] = []
    pending: list[Stage] = []
    for stage in [*stages, None]:
        if isinstance(stage, Stage):
            pending.append(stage)
            continue
        if pending:
            groups.append(Chain(pending))
            pending = []
        if stage is not None:
            groups.append(stage)
    return groups


def _own(stage: FrameFunction, values: Mapping[str, Any]) -> dict[str, Any]:
    names = getattr(stage, "controls", ())
    return {name: value for name, value in values.items() if name in names}


def _provider(stage: FrameFunction) -> str:
    if isinstance(stage, Chain):
        return "+".join(dict.fromkeys(inner.session.provider for inner in stage.stages))
    session = getattr(stage, "session", stage)
    return str(getattr(session, "provider", ""))


def _fingerprint(values: Mapping[str, Any], controls: Controls) -> object:
    """A value that changes when a control changes the picture, not when the scene does."""
    vectors = tuple(hash(values[name].tobytes()) for name in ("style", BACKGROUND) if name in values)
    numbers = tuple(sorted((name, value) for name, value in values.items() if isinstance(value, float)))
    switches = tuple(sorted(controls.state.switches.items()))
    return (vectors, numbers, switches)
