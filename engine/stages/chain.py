"""Chain: several stages in order, used like one stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ..closing import Closing
from ..errors import ContractError, UsageError, suggest
from ..frame import Image, check_image
from ..stage_spec import Control
from .stage import Stage, Value


class FrameFunction(Protocol):
    """A function from picture to picture: a `Stage`, a `Chain`, or your own function.

    If it has an attribute `controls` (names), it gets the controls of those names as keyword arguments.
    """

    def __call__(self, image: Image, **controls: Any) -> Image:
        """Takes and returns uint8 [H, W, 3], BGR."""


class Chain(Closing):
    """Several stages in order, used like one stage.

    A stage whose output is not a picture (`saliency` outputs `mask`) does not change the frame: its output becomes
    the control of that name for later stages. Frames stay on the device between stages that share a device.

    Args:
        stages: The stages in order; the chain closes them.
        values: Default values of controls, by name.
        clock: Returns the time in seconds; measures `seconds`.

    Attributes:
        stages: The stages in order.
        values: See above; may be changed between two frames.
        seconds: Time of each enabled stage for the last frame, by name.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        *,
        values: Mapping[str, Value] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.stages = tuple(stages)
        self.values: dict[str, Value] = dict(values or {})
        self.seconds: dict[str, float] = {}
        self._clock = clock
        self._disabled: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The stages' names, joined: "quantize+stylize"."""
        return "+".join(stage.name for stage in self.stages) or "none"

    @property
    def provider(self) -> str:
        """Providers of the stages: "cpu", "cuda"; several are joined by "+"."""
        return "+".join(dict.fromkeys(stage.session.provider for stage in self.stages)) or "none"

    @property
    def reason(self) -> str:
        """One line: why these providers were chosen; text that several stages share appears once."""
        parts = (part for stage in self.stages for part in stage.session.reason.split("; "))
        return "; ".join(dict.fromkeys(parts))

    @property
    def controls(self) -> Mapping[str, Control]:
        """Names of the controls of all stages."""
        return {name: control for stage in self.stages for name, control in stage.controls.items()}

    @property
    def enabled(self) -> tuple[str, ...]:
        """Names of the enabled stages."""
        return tuple(stage.name for stage in self.stages if stage.name not in self._disabled)

    def enable(self, name: str, enabled: bool = True) -> None:
        """Turns a stage on or off between two frames; turning it on resets it.

        Raises:
            UsageError: No stage has that name.
        """
        names = [stage.name for stage in self.stages]
        if name not in names:
            raise UsageError(f"no stage '{name}' in this chain; {suggest(name, names)}")
        if enabled and name in self._disabled:
            self.stages[names.index(name)].reset()
        self._disabled = self._disabled - {name} if enabled else self._disabled | {name}

    def __call__(self, image: Image, **controls: Value) -> Image:
        """Runs the enabled stages on one frame.

        Args:
            image: uint8 [H, W, 3], BGR.
            controls: Values by name; each goes to every stage that has a control of that name.

        Returns:
            uint8 [H, W, 3], BGR; a copy of the frame when no stage is enabled.

        Raises:
            UnsupportedImageError: `image` is not a picture.
            ContractError: No stage has a control of that name.
            UsageError: A control is out of range, not finite, or of the wrong shape.
        """
        check_image(image)
        known = self.controls
        for name in controls:
            if name not in known:
                raise ContractError(
                    f"no stage of '{self.name}' has a control '{name}'; {suggest(name, known)}"
                )
        return self._run(image, self.values | controls)

    @property
    def at_once(self) -> int:
        """Number of frames that this chain and its twins may paint at the same time; 1 if it has no twin."""
        counts = [1 if stage.spec.states else getattr(stage.session, "at_once", 1) for stage in self.stages]
        return min(counts, default=1)

    def twin(self) -> Chain | None:
        """A chain of the same loaded models and values for another thread, or None where they cannot be shared."""
        stages = [stage.twin() for stage in self.stages]
        twins = [stage for stage in stages if stage is not None]
        if len(twins) < len(stages):
            return None
        twin = Chain(twins, clock=self._clock)
        twin.values, twin._disabled = self.values, self._disabled
        return twin

    def reset(self) -> None:
        """Resets every stage."""
        for stage in self.stages:
            stage.reset()

    def close(self) -> None:
        """Closes every stage."""
        for stage in self.stages:
            stage.close()

    def _run(self, image: Image, values: dict[str, Any]) -> Image:
        height, width = image.shape[:2]
        tensor: Any = image
        place: Stage | None = None  # the stage that produced `tensor`, None for main memory
        self.seconds = {}
        for stage in self.stages:
            if stage.name in self._disabled:
                continue
            started = self._clock()
            if place is None or place.device is None or place.device != stage.device:
                tensor = stage.upload(place.download(tensor) if place is not None else tensor)
                place = stage
            own = {name: value for name, value in values.items() if name in stage.controls}
            result = stage.advance(tensor, size=(height, width), controls=own)
            if stage.spec.output in self.controls:
                values[stage.spec.output] = _handed_on(result, stage, self.stages)
            else:
                tensor, place = result, stage
            self.seconds[stage.name] = self._clock() - started
        return place.download(tensor) if place is not None else image.copy()


def _handed_on(result: Any, maker: Stage, stages: Sequence[Stage]) -> Any:
    """A mask for later stages: unchanged if all share a device, else copied to main memory."""
    same = all(stage.device == maker.device for stage in stages)
    return result if same else maker.download(result)


def stage_names(stages: Sequence[FrameFunction]) -> list[str]:
    """Names of all stages, including those inside chains."""
    names: list[str] = []
    for stage in stages:
        names += [inner.name for inner in stage.stages] if isinstance(stage, Chain) else [name_of(stage)]
    return names


def name_of(stage: FrameFunction) -> str:
    """The name of a stage or function; else the name of the class."""
    return str(getattr(stage, "name", None) or getattr(stage, "__name__", None) or type(stage).__name__)
