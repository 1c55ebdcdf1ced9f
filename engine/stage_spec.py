"""The metadata of a stage's ONNX file; only this module reads and writes it.

A stage maps `frame`, uint8 [H, W, 3] BGR, to `output`. Its controls and states, with shapes, defaults and limits,
are stored as JSON under the metadata key `artrt.stage`, so the runtime needs no code of the exporter.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import ContractError

CONTRACT = 1
METADATA_KEY = "artrt.stage"
STATE_PREFIX = "state."
STATE_SUFFIX = ".next"
SIZING_CONTROLS = frozenset({"stroke"})
"""Controls that set sizes inside a graph: a backend that compiles per input size also compiles per value of these."""

Dimension = int | str
"""A number, or an expression of the frame's size: "H", "W", "h", "ceil(H/8)"."""

_CEIL = re.compile(r"ceil\(([HW])/(\d+)\)")


@dataclass(frozen=True, slots=True)
class Control:
    """A named float32 input that may change with every frame.

    Args:
        shape: Dimensions; () for a number. A string is a free dimension.
        default: Value when the caller gives none, broadcast to the shape (free dimensions become 1);
            None when the caller must give one.
        minimum: Smallest accepted value, or None.
        maximum: Largest accepted value, or None.
    """

    shape: tuple[Dimension, ...] = ()
    default: float | None = None
    minimum: float | None = None
    maximum: float | None = None

    def default_array(self) -> NDArray[np.float32]:
        """The default as float32 of this control's shape, free dimensions set to 1."""
        if self.default is None:
            raise ContractError("this control has no default: a value must be given")
        sizes = tuple(size if isinstance(size, int) else 1 for size in self.shape)
        return np.full(sizes, self.default, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class StateTensor:
    """A float32 tensor: input `state.<name>`, output `state.<name>.next`; zeros mean no previous frame."""

    shape: tuple[Dimension, ...]


@dataclass(frozen=True, slots=True)
class StageSpec:
    """The contract of one stage.

    Args:
        name: Short name ("stylize").
        output: Name of the graph's result, uint8 [H, W, 3] BGR (a mask, float32 [h, w], for `saliency`).
        controls: Control inputs by name.
        states: State tensors by name, without the `state.` prefix.
        extra: Further facts from the exporter: trunk hash, licence, training.
    """

    name: str
    output: str = "output"
    controls: Mapping[str, Control] = field(default_factory=dict)
    states: Mapping[str, StateTensor] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The metadata as JSON; equal specs give equal text."""
        controls = {name: _without_none(control) for name, control in self.controls.items()}
        states = {name: {"shape": list(state.shape)} for name, state in self.states.items()}
        return json.dumps(
            {
                "contract": CONTRACT,
                "name": self.name,
                "output": self.output,
                "controls": controls,
                "state": states,
                "extra": dict(self.extra),
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, text: str) -> StageSpec:
        """Parses the metadata.

        Raises:
            ContractError: It is not JSON, a field is missing, or the contract is newer than this version.
        """
        try:
            data = json.loads(text)
            if data["contract"] != CONTRACT:
                raise ContractError(
                    f"stage contract {data['contract']}, but this artrt reads contract {CONTRACT}"
                )
            return cls(
                name=data["name"],
                output=data.get("output", "output"),
                controls={name: _control(entry) for name, entry in data.get("controls", {}).items()},
                states={
                    name: StateTensor(tuple(entry["shape"])) for name, entry in data.get("state", {}).items()
                },
                extra=data.get("extra", {}),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ContractError(f"unreadable stage metadata: {error!r}") from error

    def state_shapes(self, height: int, width: int) -> dict[str, tuple[int, ...]]:
        """Shapes of all state tensors for a frame of this size in pixels."""
        return {
            name: tuple(_dimension(size, height=height, width=width) for size in state.shape)
            for name, state in self.states.items()
        }


def state_input(name: str) -> str:
    """Name of the graph input for state `name`."""
    return STATE_PREFIX + name


def state_output(name: str) -> str:
    """Name of the graph output for the next state `name`."""
    return STATE_PREFIX + name + STATE_SUFFIX


def _without_none(control: Control) -> dict[str, Any]:
    entry: dict[str, Any] = {"shape": list(control.shape), "default": control.default}
    limits = {"minimum": control.minimum, "maximum": control.maximum}
    return entry | {name: limit for name, limit in limits.items() if limit is not None}


def _control(entry: Mapping[str, Any]) -> Control:
    return Control(
        shape=tuple(entry["shape"]),
        default=entry["default"],
        minimum=entry.get("minimum"),
        maximum=entry.get("maximum"),
    )


def _dimension(size: Dimension, *, height: int, width: int) -> int:
    if isinstance(size, int):
        return size
    lengths = {"H": height, "W": width}
    if size in lengths:
        return lengths[size]
    match = _CEIL.fullmatch(size.replace(" ", ""))
    if match is None:
        raise ContractError(f"state dimension '{size}': expected a number, H, W or ceil(H/8)")
    return math.ceil(lengths[match[1]] / int(match[2]))
