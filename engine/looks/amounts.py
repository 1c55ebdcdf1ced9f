"""Amounts of the effects: numbers of colours and regions, which may change while frames are played."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import UsageError
from .styling import single_stages

AMOUNT_CONTROLS = {"quantize": "colors", "superpixels": "regions"}
"""The control that holds the amount of an effect, by the name of its stage."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A whole number and its limits.

    Args:
        value: Number of colours or regions.
        minimum: The smallest value.
        maximum: The largest value.
    """

    value: int
    minimum: int
    maximum: int

    def changed(self, name: str, value: Any) -> Amount:
        """Another value within the same limits.

        Raises:
            UsageError: Not a whole number, or out of range.
        """
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not (self.minimum <= number <= self.maximum and number.is_integer()):
            raise UsageError(
                f"{name} is {str(value)[:40]}: expected a whole number from {self.minimum} to {self.maximum}"
            )
        return replace(self, value=int(number))


def amounts_of(stages: Iterable[Any], values: Mapping[str, Any]) -> dict[str, Amount]:
    """The amounts that these stages can change, by the name of their control.

    Args:
        stages: Stages, and chains of them. An exported effect with a fixed amount has no such control.
        values: Current values of controls by name; a missing one is the stage's default.
    """
    found: dict[str, Amount] = {}
    for stage in single_stages(stages):
        name = AMOUNT_CONTROLS.get(stage.name, "")
        control = stage.controls.get(name)
        if control is not None and control.minimum is not None and control.maximum is not None:
            value = values.get(name, control.default)
            found[name] = Amount(round(float(value)), round(control.minimum), round(control.maximum))
    return found
