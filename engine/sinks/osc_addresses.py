"""The OSC addresses: one for every control of the player."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import OutputError, UsageError, suggest
from ..frame import Image
from ..looks.amounts import AMOUNT_CONTROLS
from ..looks.look import NUMBERS
from .changes import changes_of, make_changes
from .player import Player
from .remote import Remote
from .web.options import RecordingQuota
from .web.recordings import Recordings

ROOT = "/artrt/"
STATE, STYLES, ERROR, WROTE = (ROOT + name for name in ("state", "styles", "error", "wrote"))
#: Messages that artrt sends itself; ignored, so that two programs do not answer each other for ever.
ANSWERS = frozenset({ERROR, WROTE})

Values = Sequence[Any]
Answer = tuple[str, Values]
Action = Callable[[Values], "Answer | None"]


class OscAddresses:
    """Handles messages in order.

    Args:
        player: The player to control.
        newest: Returns the newest picture, uint8 [H, W, 3] BGR, for snapshots; None before the first.
        quota: Folder and limits of recordings and snapshots.
    """

    def __init__(
        self, player: Player, *, newest: Callable[[], Image | None], quota: RecordingQuota | None = None
    ) -> None:
        self._player, self._newest = player, newest
        self._quota = quota or RecordingQuota()
        self._remote = Remote(player, folder=self._quota.folder)
        self._recordings = Recordings(player, quota=self._quota)
        self._pair: tuple[str, str] | None = None
        self._actions: dict[str, Action] = {
            "style": self._style,
            "background": self._background,
            "mix": self._mix,
            "next": lambda values: self._step(values, 1),
            "previous": lambda values: self._step(values, -1),
            "pause": self._pause,
            "record": self._record,
            "snapshot": self._snapshot,
            "state": lambda values: None if values else (STATE, self.state()),
            "styles": lambda values: None if values else (STYLES, tuple(player.controls.state.styles)),
        }

    def obey(self, address: str, values: Values) -> Answer | None:
        """Handles a message.

        Args:
            address: Such as "/artrt/strength".
            values: Its arguments.

        Returns:
            Address and arguments of the answer, or None.

        Raises:
            UsageError: No such address, or a value out of range.
            OutputError: A picture or recording cannot be written.
        """
        if address in ANSWERS:
            return None
        name = address.removeprefix(ROOT)
        number, _, step = name.partition("/")
        if name in self._actions:
            return self._actions[name](values)
        if name in NUMBERS:
            self._change(**{name: _only(values)})
        elif name in AMOUNT_CONTROLS.values():
            self._change(**{name: _whole(_only(values))})
        elif number in NUMBERS and step == "add":
            self._remote.change(number, _number(_only(values)))
        elif name in (switches := self._player.controls.state.switches):
            self._change(switches={name: not switches[name] if not values else _on(values)})
        else:
            known = [*self._actions, *NUMBERS, *AMOUNT_CONTROLS.values(), *switches]
            raise UsageError(f"no such address; {suggest(name, known)}, after {ROOT}")
        return None

    def state(self) -> tuple[str | int | float, ...]:
        """Names and values of all settings, in alternation."""
        state = self._player.controls.state
        place = state.styles.index(state.style) + 1 if state.style in state.styles else 0
        pairs: dict[str, str | int | float] = {"style": state.style, "style_number": place}
        pairs["background"] = state.background
        pairs |= {name: float(value) for name, value in state.numbers.items()}
        pairs |= {name: amount.value for name, amount in state.amounts.items()}
        pairs |= {name: int(on) for name, on in state.switches.items()}
        pairs |= {"pause": int(self._player.paused), "record": int(self._recordings.current is not None)}
        return tuple(part for pair in pairs.items() for part in pair)

    def _change(self, **values: Any) -> None:
        make_changes(self._player, changes_of(values))

    def _style(self, values: Values) -> None:
        self._change(style=self._named(_only(values)))

    def _background(self, values: Values) -> None:
        self._change(background=self._named(_only(values)) if values else "")

    def _mix(self, values: Values) -> None:
        """Style A, style B and the share of B; or only the share, for the last two styles."""
        if len(values) == 3:
            pair = self._named(values[0]), self._named(values[1])
        elif len(values) == 1 and self._pair is not None:
            pair = self._pair
        else:
            raise UsageError(
                "expected two styles and the share of the second; after that, the share is enough"
            )
        share = _number(values[-1])
        if not 0 <= share <= 1:
            raise UsageError(f"the share of the second style is {share:g}: expected 0 to 1")
        weights = (1 - share, share)
        parts = [f"{style}:{weight:.3f}" for style, weight in zip(pair, weights, strict=True) if weight > 0]
        self._change(style="+".join(parts))
        self._pair = pair

    def _step(self, values: Values, step: int) -> None:
        if _pressed(values):
            self._player.controls.step_style(step)

    def _pause(self, values: Values) -> None:
        self._change(paused=_on(values) if values else not self._player.paused)

    def _record(self, values: Values) -> None:
        self._recordings.set(_on(values) if values else self._recordings.current is None)

    def _snapshot(self, values: Values) -> Answer | None:
        if not _pressed(values):
            return None
        image = self._newest()
        if image is None:
            raise UsageError("there is no picture yet")
        self._check_room()
        return WROTE, (self._remote.snapshot(image).name,)

    def _check_room(self) -> None:
        """Checks the free space, so that a stuck button does not fill the disk."""
        wanted, folder = self._quota.each.free_bytes, Path(self._quota.folder)
        if wanted is not None and folder.is_dir() and shutil.disk_usage(folder).free < wanted:
            raise OutputError(f"less than {wanted / 1e6:.0f} MB of the disk are free")

    def _named(self, style: Any) -> str:
        """The name of a style, given by its name or its number from 1, like the window's keys."""
        if isinstance(style, str) and not re.fullmatch(r"\d{1,4}", style):
            return style
        styles, number = self._player.controls.state.styles, _number(style)
        if number not in range(1, len(styles) + 1):
            raise UsageError(f"style {number:g}: expected a name, or a number from 1 to {len(styles)}")
        return styles[int(number) - 1]


def _only(values: Values) -> Any:
    if len(values) != 1:
        raise UsageError(f"expected one value, got {len(values)}")
    return values[0]


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{str(value)[:40]!r} is not a number") from error


def _whole(value: Any) -> int:
    """The nearest whole number: faders send fractions."""
    number = _number(value)
    if not math.isfinite(number):
        raise UsageError(f"{number} is not a whole number")
    return round(number)


def _on(values: Values) -> bool:
    """The value of a switch: true or false, or 1 or 0."""
    value = _number(_only(values))
    if value not in (0, 1):
        raise UsageError(f"expected 1 or 0, got {value:g}")
    return value == 1


def _pressed(values: Values) -> bool:
    """Whether a button was pressed: controllers send 0 on release."""
    return not values or values[0] is None or bool(_number(_only(values)))
