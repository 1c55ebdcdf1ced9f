"""Which models, styles and numbers go together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..stages.chain import Chain
from ..stages.stage import Stage
from ..zoo.style import Style, require_trunk
from ..zoo.zoo import MANIFEST, Zoo
from .look import NUMBERS

Vector = NDArray[np.float32]
MASK_NUMBERS = frozenset({"keep_salient"})
"""Numbers that do nothing without a stage that gives a mask."""


def model_file(model: str, zoo: Zoo) -> Path:
    """The file of a style transformer: a path as it is, a name from the zoo.

    Raises:
        UsageError: No such model.
        InputError: No such file.
    """
    path = Path(model)
    if not path.suffix and len(path.parts) == 1:
        return zoo.model_path(model)
    if not path.is_file():
        raise InputError(f"no model file {path}")
    return path


def style_vector(style: Style, stage: Stage) -> Vector:
    """The vector of a style, float32 [D], after its trunk was compared with the stage's.

    Raises:
        IntegrityError: The style was trained for another trunk.
    """
    require_trunk(style, str(stage.spec.extra.get("trunk", "")))
    return style.vector


def resolve_style(zoo: Zoo, stage: Stage, name: str, *, scale: float = 1.0) -> Vector:
    """The vector of a style, mix or picture, float32 [D], that fits the stage.

    Raises:
        UnknownStyleError: No style of that name.
        IntegrityError: It belongs to another trunk.
    """
    return style_vector(zoo.mix(name, scale=scale)[0], stage)


def usable_styles(zoo: Zoo, stage: Stage) -> list[str]:
    """Names of the zoo's and of the user's styles that belong to the stage's trunk."""
    if not (zoo.folder / MANIFEST).is_file():
        return []
    trunk, shipped = stage.spec.extra.get("trunk", ""), zoo.styles()
    names = [*shipped, *(name for name in zoo.library.names() if name not in shipped)]
    return [name for name in names if zoo.style(name).trunk == trunk]


def styled_stage(stages: Iterable[Any]) -> Stage | None:
    """The stage that takes a style, inside chains as well; None when there is none."""
    return next((stage for stage in single_stages(stages) if "style" in stage.controls), None)


def able_numbers(stages: Sequence[Any]) -> frozenset[str]:
    """Names of the numbers of a look that these stages obey; any pictures can be stabilized.

    Args:
        stages: Stages, chains, and functions with an attribute `controls`.
    """
    single = single_stages(stages)
    taken = {name for stage in [*stages, *single] for name in getattr(stage, "controls", ())}
    if single and not any(stage.spec.output == "mask" for stage in single):
        taken -= MASK_NUMBERS
    return frozenset({"stabilize"} | taken.intersection(NUMBERS))


def single_stages(stages: Iterable[Any]) -> list[Stage]:
    """The stages among the things given, those inside chains included."""
    found: list[Stage] = []
    for stage in stages:
        found += stage.stages if isinstance(stage, Chain) else [stage] if isinstance(stage, Stage) else []
    return found
