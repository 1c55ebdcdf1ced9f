"""Builds the chain that a set of options asks for.

frame ─► saliency ─► quantize ─► superpixels ─► stylize ─► quantize ─► superpixels ─► picture
           └── mask      "before" the style ───────▲          "after" the style
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import InputError, UsageError
from ..stages.chain import Chain
from ..stages.loading import load_stage
from ..stages.stage import Stage
from ..zoo.artefact import Artefact
from ..zoo.style import Style, require_trunk
from ..zoo.zoo import Zoo

NO_STYLE = "none"
BEFORE, AFTER = "before", "after"
AMOUNT_CONTROLS = {"quantize": "colors", "superpixels": "regions"}


@dataclass(frozen=True, slots=True)
class Effect:
    """A preprocessing effect.

    Args:
        amount: Colours of `quantize`, regions of `superpixels`.
        when: "before" or "after" the style.
    """

    amount: int
    when: str = BEFORE

    @classmethod
    def parse(cls, value: str | int | Effect) -> Effect:
        """Reads 16, "16", "16:before" or "16:after".

        Raises:
            UsageError: Anything else.
        """
        if isinstance(value, Effect):
            return value
        amount, separator, when = str(value).partition(":")
        if not (amount.isascii() and amount.isdigit()) or (separator and when not in (BEFORE, AFTER)):
            raise UsageError(f"'{value}' is not NUMBER, NUMBER:before or NUMBER:after (as in 16:after)")
        return cls(int(amount), when or BEFORE)


@dataclass(frozen=True, slots=True)
class ChainOptions:
    """What a chain does, and where it runs.

    Args:
        style: Name, mix ("a:0.7+b:0.3") or path of a style; "none" leaves the style transformer out.
        strength: 0 is the photograph, 1 the full style.
        keep_salient: How much of the photograph the salient region keeps, 0 to 1.
        model: A style transformer of the zoo by name, or the path of a `stylize` stage.
        quantize: Colour quantization, or None.
        superpixels: Superpixels, or None.
        saliency: Load the saliency network even while `keep_salient` is 0.
        provider: See `artrt.engine.sessions.open_session`.
        threads: Threads of one inference on a CPU.
        size: (height, width) in pixels of the frames to come, when known.
        steady: Many frames of one size will come, as from a video: auto may compile the networks for it.
        zoo: Where models and styles are.
        engine: A folder of `artrt export` that gives the stages and styles instead of the zoo.
    """

    style: str = NO_STYLE
    strength: float = 1.0
    keep_salient: float = 0.0
    model: str = "small"
    quantize: Effect | None = None
    superpixels: Effect | None = None
    saliency: bool = False
    provider: str = "auto"
    threads: int | None = None
    size: tuple[int, int] | None = None
    steady: bool = True
    zoo: Zoo = field(default_factory=Zoo)
    engine: str | None = None


def build_chain(options: ChainOptions) -> Chain:
    """Loads the stages that the options ask for; the chain's values are those of the options.

    Raises:
        UsageError: No such style or model, or an effect with an amount that it cannot do.
        ProviderError: The provider is not available.
        IntegrityError: A shipped file was changed, or the style belongs to another trunk.
    """
    if options.engine is not None:
        return _exported_chain(Artefact.open(options.engine), options)
    before = [(name, effect) for name, effect in _effects(options) if effect.when == BEFORE]
    after = [(name, effect) for name, effect in _effects(options) if effect.when == AFTER]
    style = options.zoo.mix(options.style)[0] if options.style != NO_STYLE else None
    values: dict[str, Any] = {}
    with ExitStack() as on_failure:
        stages: list[Stage] = []

        def add(path: Path) -> Stage:
            stages.append(on_failure.enter_context(_load(path, options)))
            return stages[-1]

        def add_effect(name: str, effect: Effect) -> None:
            values.update(_amount(add(options.zoo.path(f"{name}.onnx")), effect.amount))

        if style is not None and (options.saliency or options.keep_salient > 0):
            add(options.zoo.path("saliency.onnx"))
        for name, effect in before:
            add_effect(name, effect)
        if style is not None:
            stage = add(model_file(options.model, options.zoo))
            values |= {"style": style_vector(style, stage), "strength": options.strength}
            values |= {"keep_salient": options.keep_salient}
        for name, effect in after:
            add_effect(name, effect)
        on_failure.pop_all()
    return Chain(stages, values=values)


def of_artefact(options: ChainOptions, *, folder: str, style: str | None = None) -> ChainOptions:
    """The options for the stages and styles of an exported folder.

    Args:
        options: What else is asked for.
        folder: The folder.
        style: One of its styles or a mix; its first when None.

    Raises:
        InputError: Not such a folder.
        IntegrityError: A file is missing or changed.
    """
    artefact = Artefact.open(folder)
    first = artefact.styles[0] if artefact.styles else NO_STYLE
    return replace(options, engine=folder, style=style or first, zoo=artefact.zoo)


def _exported_chain(artefact: Artefact, options: ChainOptions) -> Chain:
    """The stages of an exported folder, in its order."""
    if options.quantize is not None or options.superpixels is not None:
        raise UsageError(
            "an exported folder brings its effects: leave quantize and superpixels to `artrt export`"
        )
    sized = replace(options, size=artefact.size or options.size)
    values: dict[str, Any] = artefact.values
    with ExitStack() as on_failure:
        stages = [on_failure.enter_context(_load(path, sized)) for path in artefact.stage_paths]
        styled = next((stage for stage in stages if "style" in stage.controls), None)
        if styled is not None:
            style, _ = options.zoo.mix(options.style)
            values |= {"style": style_vector(style, styled), "strength": options.strength}
            values |= {"keep_salient": options.keep_salient}
        on_failure.pop_all()
    return Chain(stages, values=values)


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


def style_vector(style: Style, stage: Stage) -> Any:
    """The vector of a style, float32 [D], after its trunk was compared with the stage's.

    Raises:
        IntegrityError: The style was trained for another trunk.
    """
    require_trunk(style, str(stage.spec.extra.get("trunk", "")))
    return style.vector


def _effects(options: ChainOptions) -> list[tuple[str, Effect]]:
    asked = {"quantize": options.quantize, "superpixels": options.superpixels}
    return [(name, effect) for name, effect in asked.items() if effect is not None]


def _amount(stage: Stage, amount: int) -> dict[str, float]:
    """The control that sets an effect's amount, checked against its limits."""
    name = AMOUNT_CONTROLS[stage.name]
    control = stage.controls[name]
    low, high = control.minimum, control.maximum
    if (low is not None and amount < low) or (high is not None and amount > high):
        raise UsageError(f"{stage.name}: {name} go from {low:g} to {high:g}, got {amount}")
    return {name: float(amount)}


def _load(path: Path, options: ChainOptions) -> Stage:
    """Loads a stage; the effects are not compiled, which takes long and gains nothing."""
    return load_stage(
        path,
        provider=options.provider,
        threads=options.threads,
        size=options.size,
        steady=options.steady and path.stem not in AMOUNT_CONTROLS,
    )
