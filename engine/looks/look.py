"""A look: how pictures are painted, and where this is computed. Every option is declared here, once.

The command line, the page, the window's keys and the controls of a pipeline read the numbers of a look from `NUMBERS`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from ..errors import UsageError, check_known, suggest
from ..frame import Image
from ..zoo.artefact import is_artefact
from ..zoo.picture_style import SCALES
from ..zoo.style import Style
from ..zoo.zoo import Zoo

DEFAULT_STYLE = "starry-night"
NO_STYLE = "none"
BEFORE, AFTER = "before", "after"
AUTO, FP32, BF16 = "auto", "fp32", "bf16"
PRECISIONS = (AUTO, FP32, BF16)
MOST_DIGITS = 9
PLACES = frozenset({"provider", "precision", "threads", "size", "steady", "switchable", "at_once"})
"""Fields of a look that say where and how it is computed; the other fields decide how pictures look."""


@dataclass(frozen=True, slots=True)
class Number:
    """A numeric option of a look. It may change while frames are played.

    Args:
        default: Default value.
        help: One line for the user.
        minimum: The smallest value.
        maximum: The largest value.
        words: (word, value) pairs: words that stand for a value on the command line.
    """

    default: float
    help: str
    minimum: float = 0.0
    maximum: float = 1.0
    words: tuple[tuple[str, float], ...] = ()


def _number(number: Number) -> float:
    option: float = field(default=number.default, metadata={"number": number})
    return option


@dataclass(frozen=True, slots=True)
class Effect:
    """A preprocessing effect.

    Args:
        amount: Number of colours of `quantize`, or of regions of `superpixels`.
        when: "before" or "after" the style.
    """

    amount: int
    when: str = BEFORE

    @classmethod
    def parse(cls, value: str | int | Effect) -> Effect:
        """Parses 16, "16", "16:before" or "16:after".

        Raises:
            UsageError: Anything else.
        """
        if isinstance(value, Effect):
            return value
        amount, separator, when = str(value).partition(":")
        if not (amount.isascii() and amount.isdigit() and len(amount) <= MOST_DIGITS) or (
            separator and when not in (BEFORE, AFTER)
        ):
            raise UsageError(f"'{value}' is not NUMBER, NUMBER:before or NUMBER:after (as in 16:after)")
        return cls(int(amount), when or BEFORE)


@dataclass(frozen=True, slots=True)
class Look:
    """How pictures are painted, and where this is computed.

    Args:
        style: Name, mix ("a:0.7+b:0.3") or path of a style, the path of a painting's picture, or a `Style`; "none"
            applies no style. None uses "starry-night", or the first style of `engine`.
        style_scale: 0.25 to 4, for a picture given as style: above 1 the strokes are coarser, below 1 finer.
        strength: 0 shows the photograph, 1 the full style.
        keep_salient: Share of the photograph in the salient region, 0 to 1.
        background: A style, like `style`, for the region that is not salient; None uses `style` everywhere.
        keep_background: Share of the photograph outside the salient region, 0 to 1.
        stroke: Size of the strokes, 0.25 to 4: the short side of a picture is painted at 360 / stroke pixels, whatever
            its own size.
        preserve_colors: Share of the photograph's colours, 0 to 1.
        stabilize: How strongly flicker between frames of a video is suppressed, 0 to 1.
        quantize: Number of colours, as 16, "16:before" or "16:after" the style; None for none.
        superpixels: Number of superpixels, in the same form.
        model: A style transformer of the zoo by name, or the path of a `stylize` stage.
        engine: A folder of `artrt export` whose stages and styles replace the zoo's.
        provider: "auto", "cpu", "cuda", "tensorrt" or "openvino"; a named one never falls back.
        precision: "fp32"; "bf16" on OpenVINO, where the processor has it and paints the same; "auto" takes the quicker
            one that paints the same.
        threads: Threads of one inference on a CPU; None uses all cores that this process may use.
        size: (height, width) of the expected frames in pixels, when known.
        steady: Many frames of one size are expected: auto may compile the networks for it. False starts faster.
        at_once: Number of frames painted at the same time, on a CPU and where a pipeline plays every frame of a file:
            with 2 on two cores a video is finished sooner, and each frame takes longer. None: `artrt.stylize` chooses,
            everything else paints 1.
        switchable: Also load effects and saliency network that are off, so that they can be turned on later.
        zoo: The zoo of models and styles.

    Raises:
        UsageError: A value out of range, or options that contradict each other.
    """

    style: str | Style | None = None
    background: str | Style | None = None
    style_scale: float = 1.0
    strength: float = _number(Number(1.0, "0: photograph, 1: style."))
    keep_salient: float = _number(Number(0.0, "How much of the photograph the salient region keeps."))
    keep_background: float = _number(Number(0.0, "How much of the photograph the background keeps."))
    stroke: float = _number(
        Number(
            1.0,
            "Size of the strokes: fine (0.5), medium (1), bold (2), or a number.",
            minimum=0.25,
            maximum=4.0,
            words=(("fine", 0.5), ("medium", 1.0), ("bold", 2.0)),
        )
    )
    preserve_colors: float = _number(
        Number(0.0, "How much of the photograph's colours stay under the strokes.")
    )
    # 0.8 was chosen by measurement: benchmarks/results/stabilize.json.
    stabilize: float = _number(Number(0.8, "Reduce flicker between the frames of a video."))
    quantize: Effect | int | str | None = None
    superpixels: Effect | int | str | None = None
    model: str = "small"
    engine: str | None = None
    provider: str = "auto"
    precision: str = AUTO
    threads: int | None = None
    size: tuple[int, int] | None = None
    steady: bool = True
    at_once: int | None = None
    switchable: bool = False
    zoo: Zoo = field(default_factory=Zoo)

    def __post_init__(self) -> None:
        """Checks every value, and that the values do not contradict each other."""
        for name in NUMBERS:
            checked_number(name, getattr(self, name))
        if not SCALES[0] <= self.style_scale <= SCALES[1]:
            raise UsageError(f"style_scale is {self.style_scale:g}: expected {SCALES[0]:g} to {SCALES[1]:g}")
        check_known("precision", self.precision, PRECISIONS)
        if self.at_once is not None and self.at_once < 1:
            raise UsageError(f"at_once is {self.at_once}: expected 1 frame or more")
        effects = self.effects
        if self.engine is not None and effects:
            raise UsageError(
                "an exported folder has fixed effects: choose quantize and superpixels at `artrt export`"
            )
        if self.engine is not None and self.model != "small":
            raise UsageError(f"'{self.engine}' has its own model: leave out the model '{self.model}'")

    @property
    def effects(self) -> dict[str, Effect]:
        """The requested effects, by the name of their stage."""
        asked = {"quantize": self.quantize, "superpixels": self.superpixels}
        return {name: Effect.parse(value) for name, value in asked.items() if value is not None}

    @property
    def numbers(self) -> dict[str, float]:
        """The numbers by name."""
        return {name: float(getattr(self, name)) for name in NUMBERS}


NUMBERS: Mapping[str, Number] = {
    option.name: option.metadata["number"] for option in fields(Look) if "number" in option.metadata
}
"""The numbers of a look by name."""

# Older names.
ChainOptions = LiveOptions = Look


def look_of(look: str | os.PathLike[str] | Look | Style | Image | None, **options: Any) -> Look:
    """Creates a look from a style and options by name.

    Args:
        look: A style, mix, style file or picture of a painting; a painting, uint8 [H, W, 3], BGR; a folder of
            `artrt export`; or a look, which the options change.
        options: Fields of `Look` by name.

    Raises:
        UsageError: No such option, or a value out of its range.

    Example:
        >>> look_of("udnie", strength=0.5)
    """
    known = [option.name for option in fields(Look)]
    for name in options:
        if name not in known:
            raise UsageError(f"no option '{name}'; {suggest(name, known)}")
    if isinstance(look, Look):
        return replace(look, **options)
    if look is None:
        return Look(**options)
    if isinstance(look, np.ndarray):
        zoo, scale = options.get("zoo") or Zoo(), options.get("style_scale", 1.0)
        return Look(style=zoo.style_of_picture(look, scale=scale), **options)
    if isinstance(look, Style):
        return Look(style=look, **options)
    if is_artefact(look):
        return Look(engine=os.fspath(look), **options)
    return Look(style=os.fspath(look), **options)


def checked_number(name: str, value: Any) -> float:
    """Returns the value of a look's number after a range check.

    Raises:
        UsageError: Not a number, or out of range.
    """
    number = NUMBERS[name]
    try:
        checked = float(value)
    except (TypeError, ValueError, OverflowError):
        checked = math.nan
    if not number.minimum <= checked <= number.maximum:
        raise UsageError(f"{name} is {str(value)[:40]}: expected {number.minimum:g} to {number.maximum:g}")
    return checked
