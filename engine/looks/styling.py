"""Matches styles and numbers with the stages that are loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, UsageError
from ..stages.backdrop import BACKGROUND, MASK, STYLE
from ..stages.chain import Chain
from ..stages.stage import Stage
from ..zoo.style import Style, require_trunk
from ..zoo.zoo import MANIFEST, Zoo
from .look import NO_STYLE, NUMBERS, Look

Vector = NDArray[np.float32]
MASK_NUMBERS = frozenset({"keep_salient", "keep_background"})
"""Numbers that have no effect without a stage that outputs a mask."""


def model_file(model: str, zoo: Zoo) -> Path:
    """The file of a style transformer, by its path or its name in the zoo.

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


def styles_of(look: Look) -> dict[str, Style]:
    """The styles of a look by the keys `style` and `background`; empty if it has none.

    Raises:
        UnknownStyleError: No such style.
        UsageError: A background without a style.
    """
    asked = {STYLE: look.style, BACKGROUND: look.background}
    named = {role: style for role, style in asked.items() if style not in (None, NO_STYLE)}
    if STYLE not in named and look.background is not None:
        raise UsageError(f"background '{name_of_style(look.background)}' was requested: it needs a style")
    return {role: look.zoo.mix(style, scale=look.style_scale)[0] for role, style in named.items()}


def vectors_of(styles: Mapping[str, Style], stage: Stage) -> dict[str, Vector]:
    """The vectors of styles, float32 [D], by the names of the controls.

    Raises:
        IntegrityError: A style was trained for another trunk.
    """
    return {role: style_vector(style, stage) for role, style in styles.items()}


def name_of_style(style: str | Style | None) -> str:
    """The name of a look's style; "" if there is none."""
    return style.name if isinstance(style, Style) else style or ""


def style_vector(style: Style, stage: Stage) -> Vector:
    """The vector of a style, float32 [D], after a check that its trunk is the stage's.

    Raises:
        IntegrityError: The style was trained for another trunk.
    """
    require_trunk(style, str(stage.spec.extra.get("trunk", "")))
    return style.vector


def resolve_style(zoo: Zoo, stage: Stage, name: str, *, scale: float = 1.0) -> Vector:
    """The vector of a style, mix or picture, float32 [D], that fits the stage.

    Raises:
        UnknownStyleError: No such style.
        IntegrityError: It belongs to another trunk.
    """
    return style_vector(zoo.mix(name, scale=scale)[0], stage)


def usable_styles(zoo: Zoo, stage: Stage) -> dict[str, Style]:
    """The zoo's and the user's styles that fit the stage's trunk, by name."""
    if not (zoo.folder / MANIFEST).is_file():
        return {}
    trunk, shipped = stage.spec.extra.get("trunk", ""), zoo.styles()
    names = [*shipped, *(name for name in zoo.library.names() if name not in shipped)]
    styles = {name: zoo.style(name) for name in names}
    return {name: style for name, style in styles.items() if style.trunk == trunk}


def styled_stage(stages: Iterable[Any]) -> Stage | None:
    """The stage with the control `style`, also inside chains; None if there is none."""
    return next((stage for stage in single_stages(stages) if "style" in stage.controls), None)


def able_numbers(stages: Sequence[Any]) -> frozenset[str]:
    """Names of a look's numbers that these stages have, and `stabilize`, which needs no stage.

    Args:
        stages: Stages, chains, and functions with an attribute `controls`.
    """
    single = single_stages(stages)
    taken = {name for stage in [*stages, *single] for name in getattr(stage, "controls", ())}
    if single and not any(stage.spec.output == MASK for stage in single):
        taken -= MASK_NUMBERS
    return frozenset({"stabilize"} | taken.intersection(NUMBERS))


def has_backdrop(stages: Sequence[Any]) -> bool:
    """Whether these stages can paint the background separately: one outputs a mask, and one takes it."""
    single = single_stages(stages)
    masked = any(stage.spec.output == MASK for stage in single)
    return masked and any(BACKGROUND in stage.controls for stage in single)


def single_stages(stages: Iterable[Any]) -> list[Stage]:
    """All stages, including those inside chains."""
    found: list[Stage] = []
    for stage in stages:
        found += stage.stages if isinstance(stage, Chain) else [stage] if isinstance(stage, Stage) else []
    return found
