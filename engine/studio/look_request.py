"""The look that a visitor requests: parsed from JSON, checked, and sent to the worker."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import UnknownStyleError, UsageError, suggest
from ..zoo.style import parse_mix

LONGEST_STYLE = 400
FIELDS = ("style", "background", "numbers", "amounts")

Parts = tuple[tuple[str, float], ...]
"""Styles with weights; each is a name of the zoo or the path of a visitor's style file."""


@dataclass(frozen=True, slots=True)
class Slider:
    """A control on the page.

    Args:
        name: "strength", "quantize", …
        kind: "number", a value that always applies, or "amount", the amount of an effect that can be off.
        minimum: Smallest value.
        maximum: Largest value.
        default: First value; for an amount, the value when the effect is turned on.
        help: One line for the user.
    """

    name: str
    kind: str
    minimum: float
    maximum: float
    default: float
    help: str = ""


@dataclass(frozen=True, slots=True)
class LookRequest:
    """A requested look.

    Args:
        style: Style of the picture or its subject; empty for none.
        background: Style of the background; empty for the same style.
        numbers: Controls of the style by name: strength, keep_salient, …
        amounts: Amounts of the enabled effects: quantize, superpixels.
    """

    style: Parts = ()
    background: Parts = ()
    numbers: Mapping[str, float] = field(default_factory=dict)
    amounts: Mapping[str, int] = field(default_factory=dict)


def read_look_request(data: Any, *, styles: Mapping[str, str], sliders: Mapping[str, Slider]) -> LookRequest:
    """Parses {"style": "a:0.7+b:0.3", "background": "c", "numbers": {"strength": 0.8}, "amounts": {"quantize": 16}}.

    Args:
        data: The parsed JSON.
        styles: The visitor's style names -> the worker's names.
        sliders: Controls by name.

    Raises:
        UsageError: The data is invalid, or a value is out of range.
        UnknownStyleError: No style has that name.
    """
    if not isinstance(data, dict) or not set(data) <= set(FIELDS):
        raise UsageError(f"a look must be an object with {', '.join(FIELDS)}")
    return LookRequest(
        style=_parts(data.get("style"), styles),
        background=_parts(data.get("background"), styles),
        numbers=_values(data.get("numbers"), "number", sliders),
        amounts={
            name: round(value) for name, value in _values(data.get("amounts"), "amount", sliders).items()
        },
    )


def _parts(text: Any, styles: Mapping[str, str]) -> Parts:
    if text in (None, "", "none"):
        return ()
    if not isinstance(text, str) or len(text) > LONGEST_STYLE:
        raise UsageError("a style must be a name or a mix of names")
    parts = parse_mix(text)
    for name, _ in parts:
        # Only names of the list: text from a client is never used as a file name.
        if name not in styles:
            raise UnknownStyleError(name[:60], known=styles)
    return tuple((styles[name], weight) for name, weight in parts)


def _values(data: Any, kind: str, sliders: Mapping[str, Slider]) -> dict[str, float]:
    known = {name: slider for name, slider in sliders.items() if slider.kind == kind}
    if data is not None and not isinstance(data, dict):
        raise UsageError(f"'{kind}s' must be an object of numbers")
    values = {}
    for name, value in (data or {}).items():
        if value is None:
            continue
        if name not in known:
            raise UsageError(f"no control '{str(name)[:40]}'; {suggest(str(name)[:40], known)}")
        values[name] = _number(name, value, known[name])
    return values


def _number(name: str, value: Any, slider: Slider) -> float:
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not slider.minimum <= number <= slider.maximum:
        raise UsageError(
            f"{name} must be from {slider.minimum:g} to {slider.maximum:g}, got {str(value)[:40]}"
        )
    return number
