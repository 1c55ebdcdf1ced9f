"""Creates controls for stages that have none: from their current values and the names of styles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ..errors import UsageError
from ..stages.chain import Chain, FrameFunction, stage_names
from ..zoo.zoo import Zoo
from .amounts import amounts_of
from .controls import Controls, captioned
from .look import NUMBERS
from .styling import able_numbers, resolve_style, styled_stage, usable_styles
from .stylizer import Stylizer


def controls_of(stages: Sequence[FrameFunction | Stylizer]) -> Controls:
    """Creates controls from the current values of stages; all stages are on.

    Args:
        stages: Stages of a pipeline. A `Stylizer` has its own controls, which are used; other stages use the
            shipped styles.

    Raises:
        UsageError: More than one `Stylizer`: a pipeline has one style.
    """
    plain = list(map(chain_of, stages))
    switches = dict.fromkeys(stage_names(plain), True)
    stylizers = [stage for stage in stages if isinstance(stage, Stylizer)]
    if len(stylizers) > 1:
        raise UsageError(
            "a pipeline can have only one Stylizer: wrap the other in a function, lambda image: other(image)"
        )
    if stylizers:
        stylizers[0].controls.add_switches(switches)
        return stylizers[0].controls
    values: dict[str, Any] = {}
    for stage in plain:
        values |= stage.values if isinstance(stage, Chain) else {}
    able = able_numbers(plain)
    # A video is stabilized only on request, and stages without a look do not request it.
    numbers = {name: float(values.get(name, NUMBERS[name].default)) for name in able} | {"stabilize": 0.0}
    stylize = styled_stage(plain)
    if stylize is None:
        controls = Controls(numbers=numbers, switches=switches)
        controls.add_amounts(amounts_of(plain, values))
        return controls
    zoo = Zoo()
    controls = Controls(
        styles=captioned(usable_styles(zoo, stylize)),
        resolve=partial(resolve_style, zoo, stylize),
        style=values.get("style"),
        numbers=numbers,
        switches=switches,
    )
    controls.add_amounts(amounts_of(plain, values))
    return controls


def chain_of(stage: FrameFunction | Stylizer) -> FrameFunction:
    """The chain of a `Stylizer`; any other stage unchanged."""
    return stage.chain if isinstance(stage, Stylizer) else stage
