"""The controls of stages that came without any: the values they were made with, and the names of their styles."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ..stages.chain import Chain, FrameFunction, stage_names
from ..stages.stage import Stage
from ..zoo.zoo import MANIFEST, Zoo
from .controls import NUMBERS, Controls, Vector
from .look import style_vector
from .stylizer import Stylizer


def controls_of(stages: Sequence[FrameFunction | Stylizer]) -> Controls:
    """Controls that begin with what the stages do now; all stages are on.

    Args:
        stages: As a pipeline takes them. The styles of a `Stylizer` are those of its zoo, of other stages the shipped.
    """
    stylizers = [stage for stage in stages if isinstance(stage, Stylizer)]
    zoo = stylizers[0].zoo if stylizers else Zoo()
    plain = list(map(chain_of, stages))
    chains = [stage for stage in plain if isinstance(stage, Chain)]
    values: dict[str, Any] = {name: value for chain in chains for name, value in chain.values.items()}
    numbers = {name: float(values[name]) for name in NUMBERS if name in values}
    switches = dict.fromkeys(stage_names(plain), True)
    stylize = _styled(plain)
    if stylize is None:
        return Controls(numbers=numbers, switches=switches)
    return Controls(
        styles=usable_styles(zoo, stylize),
        resolve=partial(resolve_style, zoo, stylize),
        style=stylizers[0].style if stylizers else values.get("style"),
        numbers=numbers,
        switches=switches,
    )


def chain_of(stage: FrameFunction | Stylizer) -> FrameFunction:
    """The chain inside a `Stylizer`, anything else as it is."""
    return stage.chain if isinstance(stage, Stylizer) else stage


def resolve_style(zoo: Zoo, stage: Stage, name: str) -> Vector:
    """The vector of a style or mix, float32 [D], that fits the stage.

    Raises:
        UnknownStyleError: No style of that name.
        IntegrityError: It belongs to another trunk.
    """
    vector: Vector = style_vector(zoo.mix(name)[0], stage)
    return vector


def usable_styles(zoo: Zoo, stage: Stage) -> list[str]:
    """Names of the zoo's styles that belong to the stage's trunk."""
    if not (zoo.folder / MANIFEST).is_file():
        return []
    trunk = stage.spec.extra.get("trunk", "")
    return [name for name in zoo.styles() if zoo.style(name).trunk == trunk]


def _styled(stages: Sequence[FrameFunction]) -> Stage | None:
    """The stage that takes a style."""
    for stage in stages:
        inner = stage.stages if isinstance(stage, Chain) else [stage]
        for one in inner:
            if isinstance(one, Stage) and "style" in one.controls:
                return one
    return None
