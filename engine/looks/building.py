"""Loads the stages of a look and creates their controls.

frame ─► saliency ─► quantize ─► superpixels ─► stylize ─► quantize ─► superpixels ─► picture
           └── mask      "before" the style ───────▲          "after" the style
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..effects.saliency import SALIENCY_FILE
from ..errors import UsageError
from ..stages.backdrop import BACKGROUND, STYLE, BackdropStage, needs_mask, with_region
from ..stages.chain import Chain
from ..stages.loading import load_stage
from ..stages.stage import Stage
from ..zoo.artefact import Artefact
from ..zoo.zoo import MANIFEST, Zoo
from .amounts import AMOUNT_CONTROLS, amounts_of
from .controls import Controls, captioned
from .look import AFTER, BEFORE, BF16, DEFAULT_STYLE, FP32, NO_STYLE, NUMBERS, Effect, Look
from .precision import settled_precision
from .preview import Previewer
from .styling import (
    MASK_NUMBERS,
    able_numbers,
    has_backdrop,
    model_file,
    name_of_style,
    resolve_style,
    styled_stage,
    styles_of,
    usable_styles,
    vectors_of,
)

STYLE_STAGE = "stylize"
# Effects that a switchable look loads, turned off, when it does not request them.
SPARE_EFFECTS = {"quantize": Effect(16), "superpixels": Effect(600)}


def build_chain(look: Look) -> Chain:
    """Loads the stages of a look; the chain's values are the look's values.

    Raises:
        UsageError: No such style or model, an effect's amount out of range, or a number that no stage has.
        ProviderError: The provider is not available.
        IntegrityError: A shipped file was changed, or the style belongs to another trunk.
    """
    asked = settled(look)
    load = _shipped_stages if asked.engine is None else _exported_stages
    with _closed_on_failure() as stages:
        values = load(asked, stages)
        _require_able(asked, stages)
        return Chain(stages, values=values)


def open_look(look: Look) -> tuple[Chain, Controls]:
    """Loads the stages of a look and creates their controls.

    Raises:
        UsageError: No such style or model, or options that this model does not support.
        ProviderError: The provider is not available.
        IntegrityError: A shipped file was changed, or the style belongs to another trunk.
    """
    asked = settled(look)
    chain = build_chain(asked)
    try:
        # An exported model may have a fixed size or need a GPU, so the shipped model paints the thumbnails.
        return chain, _controls(chain, asked, preview=Previewer(look.model, zoo=asked.zoo, models=look.zoo))
    except BaseException:
        chain.close()
        raise


def settled(look: Look) -> Look:
    """Fills in what a look leaves open: its style and, for an exported folder, the zoo of its styles.

    Raises:
        InputError: No such folder.
        IntegrityError: A file of the folder is missing or changed.
    """
    if look.engine is None:
        return replace(look, style=look.style or DEFAULT_STYLE)
    artefact = Artefact.open(look.engine)
    first = artefact.styles[0] if artefact.styles else NO_STYLE
    return replace(look, style=look.style or first, zoo=artefact.zoo)


def _shipped_stages(look: Look, stages: list[Stage]) -> dict[str, Any]:
    """Loads the zoo's stages into `stages`, in running order; returns their values."""
    styles = styles_of(look)
    effects = _spare(look) | look.effects
    values: dict[str, Any] = {}

    def add_effects(when: str) -> None:
        for name in AMOUNT_CONTROLS:
            if name in effects and effects[name].when == when:
                stages.append(_load(look.zoo.path(f"{name}.onnx"), look))
                values.update(_amount(stages[-1], effects[name].amount))

    if styles and _wants_saliency(look):
        stages.append(_load(look.zoo.path(SALIENCY_FILE), look))
    add_effects(BEFORE)
    if styles:
        stages.append(_load_styled(model_file(look.model, look.zoo), look))
        values |= with_region(vectors_of(styles, stages[-1]) | _values(look, stages))
    add_effects(AFTER)
    return values


def _exported_stages(look: Look, stages: list[Stage]) -> dict[str, Any]:
    """Loads the stages of an exported folder into `stages`, in its order; returns their values."""
    artefact = Artefact.open(str(look.engine))
    sized = replace(look, size=artefact.size or look.size)
    values: dict[str, Any] = artefact.values
    for path in artefact.stage_paths:
        styled = STYLE_STAGE in path.stem.split("+")  # a fused graph is named after its stages
        stages.append((_load_styled if styled else _load)(path, sized))
    stage = styled_stage(stages)
    if stage is not None and "stroke" in stage.spec.extra:
        stage.session.reason += f"; strokes are fixed at {stage.spec.extra['stroke']:g}"
    if stage is not None and look.style is not None:
        values |= with_region(vectors_of(styles_of(look), stage) | _values(look, stages))
    return values


def _values(look: Look, stages: Sequence[Stage]) -> dict[str, float]:
    """The look's numbers that the stages accept."""
    taken = {name for stage in stages for name in stage.controls}
    return {name: value for name, value in look.numbers.items() if name in taken}


def _require_able(look: Look, stages: Sequence[Stage]) -> None:
    """Raises UsageError for a requested number that no stage has."""
    able = able_numbers(stages)
    if look.precision == BF16 and styled_stage(stages) is None:
        raise UsageError(f"precision {BF16} was requested: it changes nothing without a style")
    if look.background is not None and not has_backdrop(stages):
        raise UsageError(f"a background was requested: {_without_saliency(look)}")
    for name, value in look.numbers.items():
        if value == NUMBERS[name].default or name in able or value == _fixed(name, stages):
            continue
        if look.engine is not None and name in MASK_NUMBERS:
            fix = _without_saliency(look)
        elif (fixed := _fixed(name, stages)) is not None:
            fix = f"the model was exported only for {fixed:g}; export another with artrt export --{name} {value:g}"
        else:
            fix = "it changes nothing without a style" if styled_stage(stages) is None else "no stage has it"
        raise UsageError(f"{name} {value:g} was requested: {fix}")


def _without_saliency(look: Look) -> str:
    return f"'{look.engine}' has no saliency network; export it with artrt export --saliency"


def _fixed(name: str, stages: Sequence[Stage]) -> float | None:
    """The value of a number that the export fixed, or None."""
    facts = (stage.spec.extra.get(name) for stage in stages)
    return next((float(value) for value in facts if isinstance(value, (int, float))), None)


def _controls(chain: Chain, look: Look, *, preview: Previewer) -> Controls:
    able = able_numbers(chain.stages)
    numbers = {name: value for name, value in look.numbers.items() if name in able}
    spare = _spare(look)
    switches = {stage.name: stage.name not in spare for stage in chain.stages}
    stage = styled_stage(chain.stages)
    if stage is None or look.style is None:
        controls = Controls(numbers=numbers, switches=switches)
        controls.add_amounts(amounts_of(chain.stages, chain.values))
        return controls
    vectors = {
        role: np.asarray(chain.values[role], np.float32)
        for role in (STYLE, BACKGROUND)
        if role in chain.values
    }
    controls = Controls(
        styles=captioned(usable_styles(look.zoo, stage)),
        resolve=partial(resolve_style, look.zoo, stage, scale=look.style_scale),
        style=(name_of_style(look.style), vectors[STYLE]),
        background=(name_of_style(look.background), vectors[BACKGROUND]) if BACKGROUND in vectors else None,
        numbers=numbers,
        switches=switches,
        preview=preview,
    )
    controls.add_amounts(amounts_of(chain.stages, chain.values))
    return controls


def _spare(look: Look) -> dict[str, Effect]:
    """The effects that are loaded but turned off."""
    if not look.switchable or look.engine is not None:
        return {}
    return {
        name: effect
        for name, effect in SPARE_EFFECTS.items()
        if name not in look.effects and _ships(look.zoo, f"{name}.onnx")
    }


def _wants_saliency(look: Look) -> bool:
    asked = needs_mask(look.numbers) or look.background is not None
    return asked or (look.switchable and _ships(look.zoo, SALIENCY_FILE))


def _ships(zoo: Zoo, name: str) -> bool:
    return (zoo.folder / MANIFEST).is_file() and name in zoo.manifest()


def _amount(stage: Stage, amount: int) -> dict[str, float]:
    """The control value of an effect's amount, after a range check."""
    name = AMOUNT_CONTROLS[stage.name]
    control = stage.controls[name]
    low, high = control.minimum, control.maximum
    if (low is not None and amount < low) or (high is not None and amount > high):
        raise UsageError(f"{stage.name}: {name} go from {low:g} to {high:g}, got {amount}")
    return {name: float(amount)}


def _load_styled(path: Path, look: Look) -> Stage:
    """Loads the style network in the requested precision, or for "auto" in the faster one."""
    precision = settled_precision(path, look)
    chosen = replace(look, provider=precision.provider)
    stage = _load(path, chosen, precision=precision.name, kind=BackdropStage)
    if precision.why and stage.session.provider == "openvino":
        stage.session.reason += f"; {precision.why}"
    return stage


def _load(path: Path, look: Look, *, precision: str = FP32, kind: type[Stage] = Stage) -> Stage:
    """Loads a stage; effects are loaded as not `steady`, because compiling them is slow and gains nothing."""
    return load_stage(
        path,
        provider=look.provider,
        threads=look.threads,
        size=look.size,
        steady=look.steady and path.stem not in AMOUNT_CONTROLS,
        precision=precision,
        at_once=look.at_once or 1,
        kind=kind,
    )


@contextmanager
def _closed_on_failure() -> Iterator[list[Stage]]:
    """Yields a list; closes its stages if the block fails."""
    stages: list[Stage] = []
    with ExitStack() as on_failure:
        on_failure.callback(_close, stages)
        yield stages
        on_failure.pop_all()


def _close(stages: Sequence[Stage]) -> None:
    for stage in stages:
        stage.close()
