"""The settings that can change while a pipeline runs: styles, numbers, and which stages are on.

Keys, the web page and `Pipeline.set` write them; the stage thread reads a snapshot for every frame.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError, suggest
from ..frame import Image
from ..zoo.style import Style
from .amounts import AMOUNT_CONTROLS, Amount
from .look import NUMBERS, checked_number

Vector = NDArray[np.float32]
Named = tuple[str, Vector]
"""Name of a style, and its vector, float32 [D]."""
StyleResolver = Callable[[str], Vector]
Preview = Callable[..., Image]
"""preview(style, image, short_side_px=96): a small picture in a style of the list, uint8 [h, w, 3] BGR; thread-safe."""

CROSS_FADE_SECONDS = 0.5
THUMBNAIL_PX = 96


@dataclass(frozen=True, slots=True)
class Caption:
    """What is known about the painting of a style.

    Args:
        title: Its title, or the name of the style.
        artist: Its painter, or "".
        year: Year or years, or "".
    """

    title: str
    artist: str = ""
    year: str = ""


@dataclass(frozen=True, slots=True)
class ControlState:
    """A snapshot of the controls, without vectors, for the HUD and the page."""

    style: str
    styles: Sequence[str]
    numbers: Mapping[str, float]
    switches: Mapping[str, bool]
    background: str = ""
    amounts: Mapping[str, Amount] = field(default_factory=dict)


def captioned(styles: Mapping[str, Style]) -> dict[str, Caption]:
    """Captions of styles, by name; without a title, the name is the title."""
    return {
        name: Caption(style.title or name.replace("-", " "), style.artist, style.year)
        for name, style in styles.items()
    }


@dataclass(frozen=True, slots=True)
class Fade:
    """A style, possibly still fading in from the previous one.

    Args:
        name: Name of the style.
        begin: Vector float32 [D] at the start of the change, or None.
        end: Vector float32 [D], or None for no style.
        since: When the change began, in seconds.
    """

    name: str = ""
    begin: Vector | None = None
    end: Vector | None = None
    since: float = -math.inf

    def at(self, now: float, *, seconds: float) -> Vector | None:
        """The vector at time `now`, for a cross-fade of this many seconds."""
        if self.begin is None or self.end is None or self.begin.shape != self.end.shape:
            return self.end
        part = (now - self.since) / seconds if seconds > 0 else 1.0
        if part >= 1.0:
            return self.end
        between: Vector = (self.begin + part * (self.end - self.begin)).astype(np.float32)
        return between


class Controls:
    """Thread-safe settings of a pipeline.

    Args:
        styles: Names that the keys n, p and 1-9 select; a mapping also has what is known about each.
        resolve: Turns a style name or mix ("a:0.7+b:0.3") into its vector, float32 [D]; raises UnknownStyleError.
        style: The first style: a name, a vector float32 [D], or both.
        background: The first style of the background, likewise; None paints it in `style`.
        numbers: The numbers of a look that can change, with their first values; None means all.
        switches: Stages that can be turned on and off, by name, and whether they are on.
        preview: Renders small pictures in the styles, as `Previewer`; None disables them.
        cross_fade_seconds: Duration of a change of style.
    """

    def __init__(
        self,
        *,
        styles: Sequence[str] | Mapping[str, Caption] = (),
        resolve: StyleResolver | None = None,
        style: str | Vector | Named | None = None,
        background: str | Vector | Named | None = None,
        numbers: Mapping[str, float] | None = None,
        switches: Mapping[str, bool] | None = None,
        preview: Preview | None = None,
        cross_fade_seconds: float = CROSS_FADE_SECONDS,
    ) -> None:
        self.preview = preview
        self.captions: Mapping[str, Caption] = dict(styles) if isinstance(styles, Mapping) else {}
        self._lock = threading.Lock()
        self._styles = tuple(styles)
        self._resolve = resolve
        given = {name: number.default for name, number in NUMBERS.items()} if numbers is None else numbers
        self._numbers = {name: checked_number(name, given[name]) for name in NUMBERS if name in given}
        self._switches = dict(switches or {})
        self._amounts: dict[str, Amount] = {}
        self._cross_fade_seconds = cross_fade_seconds
        self._style, self._background = (
            Fade(name, vector, vector) for name, vector in map(self._styled, (style, background))
        )

    def set(
        self,
        /,
        *,
        style: str | Vector | None = None,
        background: str | Vector | None = None,
        **changes: float | bool,
    ) -> None:
        """Changes settings by name; see `change`."""
        self.change(changes, style=style, background=background)

    def change(
        self,
        changes: Mapping[str, float | bool],
        *,
        style: str | Vector | None = None,
        background: str | Vector | None = None,
        fade: bool = True,
    ) -> None:
        """Changes settings: all of them, or none if one is invalid.

        Args:
            changes: Numbers of a look by name, amounts ("colors", "regions"), and names of stages with True or False.
            style: A name, a mix, or a vector float32 [D]; None keeps it.
            background: The background's style, likewise; "" paints it in `style` again.
            fade: Fade a new style in; False applies it to the next frame.

        Raises:
            UsageError: No such setting, a setting that no stage has, or a value out of range.
            UnknownStyleError: No style of that name.
        """
        numbers, amounts, switches = self._checked(changes)
        name, vector = self._styled(style)
        behind, second = self._styled(background or None)
        with self._lock:
            self._numbers.update(numbers)
            self._amounts.update(amounts)
            self._switches.update(switches)
            now = time.monotonic()
            if second is not None:
                self._background = Fade(behind, self._behind(now) if fade else second, second, now)
            if vector is not None:
                self._style = Fade(name, self._styled_at(now) if fade else vector, vector, now)
            if background == "":
                self._background = Fade("", self._behind(now) if fade else None, self._style.end, now)

    def add_switches(self, names: Iterable[str]) -> None:
        """Adds stages that can be turned on and off; new ones are on."""
        with self._lock:
            self._switches = dict.fromkeys(names, True) | self._switches

    def add_amounts(self, amounts: Mapping[str, Amount]) -> None:
        """Adds amounts of effects that can change, by the name of their control."""
        with self._lock:
            self._amounts |= amounts

    def step_style(self, step: int) -> None:
        """Selects the next (1) or previous (-1) style of the list."""
        if self._styles:
            name = self.state.style
            place = self._styles.index(name) if name in self._styles else -1
            self.set(style=self._styles[(place + step) % len(self._styles)])

    def toggle(self, name: str) -> None:
        """Turns a stage on or off; ignores a name that this pipeline does not have."""
        with self._lock:
            if name in self._switches:
                self._switches[name] = not self._switches[name]

    @property
    def state(self) -> ControlState:
        """A snapshot of all settings."""
        with self._lock:
            return ControlState(
                self._style.name,
                self._styles,
                dict(self._numbers),
                dict(self._switches),
                self._background.name,
                dict(self._amounts),
            )

    def is_on(self, stage: str) -> bool:
        """Whether a stage is on; a stage without a switch always is."""
        with self._lock:
            return self._switches.get(stage, True)

    def values(self) -> dict[str, Any]:
        """Current control values for the stages: numbers and amounts; `style` and `background`, float32 [D], if set."""
        with self._lock:
            now, values = time.monotonic(), dict[str, Any](self._numbers)
            values |= {name: float(amount.value) for name, amount in self._amounts.items()}
            vectors = {"style": self._styled_at(now), "background": self._background_at(now)}
        return values | {name: vector for name, vector in vectors.items() if vector is not None}

    def _styled_at(self, now: float) -> Vector | None:
        return self._style.at(now, seconds=self._cross_fade_seconds)

    def _background_at(self, now: float) -> Vector | None:
        """The background's vector now; None when the background is painted in the style."""
        vector = self._background.at(now, seconds=self._cross_fade_seconds)
        return None if vector is self._background.end and not self._background.name else vector

    def _behind(self, now: float) -> Vector | None:
        """The style of the background, which may be the main style."""
        vector = self._background_at(now)
        return self._styled_at(now) if vector is None else vector

    def _styled(self, style: str | Vector | Named | None) -> tuple[str, Vector | None]:
        if style is None:
            return "", None
        if isinstance(style, tuple):
            return style
        if not isinstance(style, str):
            return "custom", np.asarray(style, dtype=np.float32)
        if self._resolve is None:
            raise UsageError(f"style '{style}': this pipeline has no style names; give a vector")
        return style, self._resolve(style)

    def _checked(
        self, changes: Mapping[str, float | bool]
    ) -> tuple[dict[str, float], dict[str, Amount], dict[str, bool]]:
        numbers: dict[str, float] = {}
        amounts: dict[str, Amount] = {}
        switches: dict[str, bool] = {}
        for name, value in changes.items():
            if name in self._numbers:
                numbers[name] = checked_number(name, value)
            elif name in self._amounts:
                amounts[name] = self._amounts[name].changed(name, value)
            elif name in self._switches:
                switches[name] = bool(value)
            elif name in NUMBERS or name in AMOUNT_CONTROLS.values():
                raise UsageError(f"{name} cannot be changed: no loaded stage has this control")
            else:
                known = [*self._numbers, *self._amounts, *self._switches, "style"]
                raise UsageError(f"no control '{name}'; {suggest(name, known)}")
        return numbers, amounts, switches
