"""The controls of stages that came without any: the values they were made with, and the names of their styles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ..errors import UsageError
from ..stages.chain import Chain, FrameFunction, stage_names
from ..zoo.zoo import Zoo
from .controls import Controls
from .look import NUMBERS
from .styling import able_numbers, resolve_style, styled_stage, usable_styles
from .stylizer import Stylizer


def controls_of(stages: Sequence[FrameFunction | Stylizer]) -> Controls:
    """Controls that begin with what the stages do now; all stages are on.

    Args:
        stages: As a pipeline takes them. A `Stylizer` brings its own controls, so that changes of it count; the
            styles of other stages are the shipped ones.

    Raises:
        UsageError: More than one `Stylizer`: a pipeline has one style.
    """
    plain = list(map(chain_of, stages))
    switches = dict.fromkeys(stage_names(plain), True)
    stylizers = [stage for stage in stages if isinstance(stage, Stylizer)]
    if len(stylizers) > 1:
        raise UsageError(
            "a pipeline has one Stylizer: give another as a function, lambda image: other(image)"
        )
    if stylizers:
        stylizers[0].controls.add_switches(switches)
        return stylizers[0].controls
    values: dict[str, Any] = {}
    for stage in plain:
        values |= stage.values if isinstance(stage, Chain) else {}
    able = able_numbers(plain)
    # A video is stabilized when that was asked for, and stages without a look did not ask.
    numbers = {name: float(values.get(name, NUMBERS[name].default)) for name in able} | {"stabilize": 0.0}
    stylize = styled_stage(plain)
    if stylize is None:
        return Controls(numbers=numbers, switches=switches)
    zoo = Zoo()
    return Controls(
        styles=usable_styles(zoo, stylize),
        resolve=partial(resolve_style, zoo, stylize),
        style=values.get("style"),
        numbers=numbers,
        switches=switches,
    )


def chain_of(stage: FrameFunction | Stylizer) -> FrameFunction:
    """The chain inside a `Stylizer`, anything else as it is."""
    return stage.chain if isinstance(stage, Stylizer) else stage
