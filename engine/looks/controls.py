"""What can be changed while a pipeline runs: style, strengths, and which stages are on.

Keys, the web page and `Pipeline.set` all write here; the stage thread reads a snapshot for every frame.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError, suggest
from ..frame import Image
from .look import NUMBERS, checked_number

Vector = NDArray[np.float32]
StyleResolver = Callable[[str], Vector]
Preview = Callable[[str, Image], Image]
"""Renders a small version of a picture in a style of the list; called from any thread."""

CROSS_FADE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class ControlState:
    """The controls as they stand, without vectors: what the HUD and the page show."""

    style: str
    styles: Sequence[str]
    numbers: Mapping[str, float]
    switches: Mapping[str, bool]


class Controls:
    """Thread-safe settings of a pipeline.

    Args:
        styles: Names that n, p and 1-9 go through.
        resolve: Turns a style name or mix ("a:0.7+b:0.3") into its vector, float32 [D]; raises UnknownStyleError.
        style: What to begin with.
        vector: The vector of `style`, float32 [D], when it is known.
        numbers: The numbers of a look that can be changed here, with their first values; None: all of them.
        switches: Stages that can be turned on and off, by name, and whether they are on.
        preview: Renders thumbnails of the styles; None: there are none.
        cross_fade_seconds: A change of style takes so long.
    """

    def __init__(
        self,
        *,
        styles: Sequence[str] = (),
        resolve: StyleResolver | None = None,
        style: str | Vector | None = None,
        vector: Vector | None = None,
        numbers: Mapping[str, float] | None = None,
        switches: Mapping[str, bool] | None = None,
        preview: Preview | None = None,
        cross_fade_seconds: float = CROSS_FADE_SECONDS,
    ) -> None:
        self.preview = preview
        self._lock = threading.Lock()
        self._styles = tuple(styles)
        self._resolve = resolve
        given = {name: number.default for name, number in NUMBERS.items()} if numbers is None else numbers
        self._numbers = {name: checked_number(name, given[name]) for name in NUMBERS if name in given}
        self._switches = dict(switches or {})
        self._cross_fade_seconds = cross_fade_seconds
        named = isinstance(style, str) and vector is not None
        self._style_name, self._to = (str(style), vector) if named else self._styled(style)
        self._from = self._to
        self._changed_at = 0.0

    def set(self, /, *, style: str | Vector | None = None, **changes: float | bool) -> None:
        """Changes settings by their names: see `change`."""
        self.change(changes, style=style)

    def change(
        self, changes: Mapping[str, float | bool], *, style: str | Vector | None = None, fade: bool = True
    ) -> None:
        """Changes settings; all of them, or none when one is wrong.

        Args:
            changes: Numbers of a look by their names, and stages' names with True or False.
            style: A name, a mix, or a vector float32 [D]; None keeps it.
            fade: A new style fades in; False: it is there with the next frame.

        Raises:
            UsageError: No such setting, one that no stage obeys, or a value out of its range.
            UnknownStyleError: No style of that name.
        """
        numbers, switches = self._checked(changes)
        name, vector = self._styled(style)
        with self._lock:
            self._numbers.update(numbers)
            self._switches.update(switches)
            if vector is not None:
                now = time.monotonic()
                self._from, self._to = self._style_at(now) if fade else vector, vector
                self._style_name, self._changed_at = name, now

    def add_switches(self, names: Iterable[str]) -> None:
        """More stages that can be turned on and off; those that are new are on."""
        with self._lock:
            self._switches = dict.fromkeys(names, True) | self._switches

    def step_style(self, step: int) -> None:
        """The next (1) or previous (-1) style of the list."""
        if self._styles:
            place = self._styles.index(self._style_name) if self._style_name in self._styles else -1
            self.set(style=self._styles[(place + step) % len(self._styles)])

    def toggle(self, name: str) -> None:
        """Turns a stage on or off; one that this pipeline does not have is left alone."""
        with self._lock:
            if name in self._switches:
                self._switches[name] = not self._switches[name]

    @property
    def state(self) -> ControlState:
        """A copy of everything."""
        with self._lock:
            return ControlState(self._style_name, self._styles, dict(self._numbers), dict(self._switches))

    def is_on(self, stage: str) -> bool:
        """Whether a stage runs; one without a switch always does."""
        with self._lock:
            return self._switches.get(stage, True)

    def values(self) -> dict[str, Any]:
        """Control values for the stages now: the numbers, and `style` as float32 [D] when there is one."""
        with self._lock:
            values: dict[str, Any] = dict(self._numbers)
            style = self._style_at(time.monotonic())
        return values if style is None else values | {"style": style}

    def _style_at(self, now: float) -> Vector | None:
        if self._from is None or self._to is None or self._from.shape != self._to.shape:
            return self._to
        part = (now - self._changed_at) / self._cross_fade_seconds if self._cross_fade_seconds > 0 else 1.0
        if part >= 1.0:
            return self._to
        between: Vector = (self._from + part * (self._to - self._from)).astype(np.float32)
        return between

    def _styled(self, style: str | Vector | None) -> tuple[str, Vector | None]:
        if style is None:
            return "", None
        if not isinstance(style, str):
            return "custom", np.asarray(style, dtype=np.float32)
        if self._resolve is None:
            raise UsageError(f"style '{style}': this pipeline knows no style names; give a vector")
        return style, self._resolve(style)

    def _checked(self, changes: Mapping[str, float | bool]) -> tuple[dict[str, float], dict[str, bool]]:
        numbers: dict[str, float] = {}
        switches: dict[str, bool] = {}
        for name, value in changes.items():
            if name in self._numbers:
                numbers[name] = checked_number(name, value)
            elif name in self._switches:
                switches[name] = bool(value)
            elif name in NUMBERS:
                raise UsageError(f"{name} cannot be changed: no loaded stage obeys it")
            else:
                raise UsageError(
                    f"no control '{name}'; {suggest(name, [*self._numbers, *self._switches, 'style'])}"
                )
        return numbers, switches
