"""Changes of what plays, as remotes send them: the page, and OSC. One schema checks both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from ..errors import UnknownStyleError, UsageError, suggest
from ..looks.amounts import AMOUNT_CONTROLS
from ..looks.look import NUMBERS
from .player import Player

LONGEST_STYLE = 200
StyleText = Annotated[
    str, Meta(min_length=1, max_length=LONGEST_STYLE, description="A style, or a mix: a:0.7+b:0.3")
]
BackgroundText = Annotated[
    str,
    Meta(max_length=LONGEST_STYLE, description="A style for what is not salient; empty for that of the rest"),
]


AmountNumber = Annotated[int, Meta(ge=1, le=10_000, description="Amount of an effect")] | None


class Changes(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes apart from the numbers of a look; None means no change."""

    style: StyleText | None = None
    background: BackgroundText | None = None
    paused: bool | None = None
    switches: dict[str, bool] = msgspec.field(default_factory=dict)
    colors: AmountNumber = None
    regions: AmountNumber = None

    def numbers(self) -> dict[str, float]:
        """The numbers and amounts to change."""
        found = {name: getattr(self, name, None) for name in (*NUMBERS, *AMOUNT_CONTROLS.values())}
        return {name: value for name, value in found.items() if value is not None}


ControlChanges: type[Changes] = msgspec.defstruct(  # type: ignore[assignment]
    "ControlChanges",
    [
        (
            name,
            Annotated[float, Meta(ge=number.minimum, le=number.maximum, description=number.help)] | None,
            None,
        )
        for name, number in NUMBERS.items()
    ],
    bases=(Changes,),
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
)


def changes_of(values: Mapping[str, Any]) -> Changes:
    """Validates changes by name.

    Raises:
        UsageError: No such control, or a value out of range.
    """
    try:
        return msgspec.convert(dict(values), ControlChanges)
    except msgspec.ValidationError as error:
        raise UsageError(str(error)) from error


def make_changes(player: Player, wanted: Changes) -> None:
    """Applies changes to a player: all, or none if one is invalid. May wait for a style to load.

    Raises:
        UsageError: No stage has this control, or a value is out of range.
        UnknownStyleError: A style that is not in the player's list.
    """
    state = player.controls.state
    _check_style(wanted.style, known=state.styles)
    _check_style(wanted.background or None, known=state.styles)
    _check_switches(wanted.switches, known=state.switches)
    changes = {**wanted.numbers(), **wanted.switches}
    player.controls.change(changes, style=wanted.style, background=wanted.background)
    if wanted.paused is not None:
        player.pause(wanted.paused)


def _check_style(style: str | None, *, known: Sequence[str]) -> None:
    """Accepts only names of the list: text from a client is never used as a file name."""
    for part in style.split("+") if style is not None else ():
        if (name := part.partition(":")[0].strip()) not in known:
            raise UnknownStyleError(name, known=known)


def _check_switches(switches: Mapping[str, bool], *, known: Mapping[str, bool]) -> None:
    for name in switches:
        if name not in known:
            raise UsageError(f"no switch '{name}'; {suggest(name, known)}")
