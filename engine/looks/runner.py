"""Runs the stages of a pipeline on every frame with the current controls."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from ..frame import Image, check_image
from ..stages.backdrop import BACKGROUND, needs_mask, with_region
from ..stages.chain import Chain, FrameFunction, name_of
from ..stages.stage import Stage
from ..statistics import Statistics
from .controls import Controls
from .stabilizer import Stabilizer

Times = dict[str, float]
"""Milliseconds of every stage that ran, by name."""
# Frames that wait for a free thread while the last picture is stabilized and handed on.
SPARE_FRAMES = 1


class Runner:
    """Runs stages in order. Neighbouring `Stage` objects become one `Chain`, so that frames stay on their device.

    Args:
        stages: In order.
        controls: Values and switches, read for every frame.
        statistics: Receives the time of every stage.
        overlapping: Paint several frames at the same time, if the stages were loaded for it (`Chain.at_once`).

    Attributes:
        last_ms: Times of the stages for the last picture.
        ahead: Number of frames that `start` may be given before the picture of the first one is fetched.
    """

    def __init__(
        self,
        stages: Sequence[FrameFunction],
        *,
        controls: Controls,
        statistics: Statistics,
        overlapping: bool = False,
    ) -> None:
        self._stages = _grouped(stages)
        self._controls = controls
        self._statistics = statistics
        self._stabilizer = Stabilizer()
        self.last_ms: Times = {}
        self._threads: ThreadPoolExecutor | None = None
        self._twins: queue.SimpleQueue[Chain] = queue.SimpleQueue()
        self.ahead = 1
        chains = _twins(self._stages) if overlapping else []
        if len(chains) > 1:
            self.ahead = len(chains) + SPARE_FRAMES
            self._threads = ThreadPoolExecutor(len(chains), thread_name_prefix="artrt painter")
            for chain in chains:
                self._twins.put(chain)

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
        return self.start(image)()

    def start(self, image: Image) -> Callable[[], Image]:
        """Starts painting a frame with the current controls.

        At most `ahead` frames may be started and not fetched; fetch them in the order of their start.

        Args:
            image: uint8 [H, W, 3], BGR; not modified.

        Returns:
            A function that waits for the picture and stabilizes it; `last_ms` then holds its times.
        """
        values = self._controls.values()
        amount = float(values.pop("stabilize", 0.0))
        fingerprint = _fingerprint(values, self._controls)
        styled: Callable[[], tuple[Image, Times]] = partial(self._stylize, self._stages, image, values)
        if self._threads is not None:
            styled = self._threads.submit(self._stylize_aside, image, values).result
        return partial(self._fetch, image, styled, amount=amount, fingerprint=fingerprint)

    def close(self) -> None:
        """Waits for frames that are being painted, and ends the threads."""
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)

    def _fetch(
        self,
        image: Image,
        styled: Callable[[], tuple[Image, Times]],
        *,
        amount: float,
        fingerprint: object,
    ) -> Image:
        painted, self.last_ms = styled()
        if amount <= 0 or not self.last_ms:  # without a stage there is no flicker
            self._stabilizer.reset()
            picture = painted
        else:
            started = time.perf_counter()
            picture = self._stabilizer(image, painted, amount=amount, fingerprint=fingerprint)
            self.last_ms["stabilize"] = _since(started)
        for name, milliseconds in self.last_ms.items():
            self._statistics.stage(name, milliseconds)
        return picture

    def reset(self) -> None:
        """Starts a new scene: resets every stage."""
        self._stabilizer.reset()
        for stage in self._stages:
            reset = getattr(stage, "reset", None)
            if reset is not None:
                reset()

    def _stylize_aside(self, image: Image, values: Mapping[str, Any]) -> tuple[Image, Times]:
        """In a thread of its own, with a chain that no other thread uses at the time."""
        chain = self._twins.get()
        try:
            return self._stylize([chain], image, values)
        finally:
            self._twins.put(chain)

    def _stylize(
        self, stages: Sequence[FrameFunction], image: Image, values: Mapping[str, Any]
    ) -> tuple[Image, Times]:
        times: Times = {}
        for stage in stages:
            if isinstance(stage, Chain):
                image = self._run_chain(stage, image, values)
                times |= {name: seconds * 1e3 for name, seconds in stage.seconds.items()}
            elif self._controls.is_on(name_of(stage)):
                started = time.perf_counter()
                image = check_image(stage(image, **_own(stage, values)))
                times[name_of(stage)] = _since(started)
        return image, times

    def _run_chain(self, chain: Chain, image: Image, values: Mapping[str, Any]) -> Image:
        for stage in chain.stages:
            wanted = self._controls.is_on(stage.name)
            if stage.spec.output == "mask":
                wanted = wanted and needs_mask(values)
            if wanted != (stage.name in chain.enabled):
                chain.enable(stage.name, wanted)
        return chain(image, **_own(chain, with_region(values)))


def _twins(stages: Sequence[FrameFunction]) -> list[Chain]:
    """The only chain and its twins, as many as may run at the same time; empty where that is not possible."""
    if len(stages) != 1 or not isinstance(stages[0], Chain):
        return []
    chain = stages[0]
    twins = [chain.twin() for _ in range(chain.at_once - 1)]
    return [chain, *(twin for twin in twins if twin is not None)]


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1e3


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
