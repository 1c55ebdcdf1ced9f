"""Paints pictures in the worker, with one set of loaded stages for all visitors."""

from __future__ import annotations

from typing import Any

from ..frame import Image
from ..looks.amounts import AMOUNT_CONTROLS
from ..looks.building import SPARE_EFFECTS, build_chain
from ..looks.look import NUMBERS, Look
from ..looks.stabilizer import Stabilizer
from ..looks.styling import Vector, able_numbers, style_vector
from ..stages.backdrop import BACKGROUND, STYLE, needs_mask, with_region
from ..stages.chain import Chain
from ..stages.stage import Stage
from ..zoo.style import mix
from .look_request import LookRequest, Parts, Slider
from .options import StudioOptions

MOST_COLORS = 64
MOST_REGIONS = 4000


class Painter:
    """The loaded stages, and their values for a requested look.

    Args:
        options: Models, provider.
        threads: Threads of one inference on a CPU.
    """

    def __init__(self, options: StudioOptions, *, threads: int | None) -> None:
        self._zoo = options.zoo
        look = Look(
            style=options.zoo.styles()[0],
            model=options.model,
            provider=options.provider,
            threads=threads,
            switchable=True,
            zoo=options.zoo,
        )
        self.chain: Chain = build_chain(look)
        self._stages = {stage.name: stage for stage in self.chain.stages}
        self._vectors: dict[Parts, Vector] = {}

    def __call__(self, image: Image, look: LookRequest) -> Image:
        """Paints a single picture.

        Args:
            image: uint8 [H, W, 3], BGR.
            look: The requested look.

        Returns:
            uint8 [H, W, 3], BGR.

        Raises:
            IntegrityError: A style belongs to another trunk.
        """
        self.chain.reset()
        return self.next(image, look)

    def next(self, image: Image, look: LookRequest, *, stabilizer: Stabilizer | None = None) -> Image:
        """Paints the next frame of a scene, with the scene's stabilizer against flicker; see `__call__`."""
        painted = self._paint(image, look)
        amount = look.numbers.get("stabilize", 0.0)
        if stabilizer is None or amount <= 0:
            return painted
        steady: Image = stabilizer(image, painted, amount=amount, fingerprint=repr(look)).copy()
        return steady

    def _paint(self, image: Image, look: LookRequest) -> Image:
        values: dict[str, Any] = {name: value for name, value in look.numbers.items() if name != "stabilize"}
        if look.style:
            asked = {STYLE: look.style} | ({BACKGROUND: look.background} if look.background else {})
            values |= {role: self._vector(parts) for role, parts in asked.items()}
        wanted = {"stylize": bool(look.style), "saliency": bool(look.style) and needs_mask(values)}
        for name in self._stages:
            on = wanted.get(name, name in look.amounts)
            if on != (name in self.chain.enabled):
                self.chain.enable(name, on)
        values |= {AMOUNT_CONTROLS[name]: float(amount) for name, amount in look.amounts.items()}
        known = self.chain.controls
        return self.chain(
            image, **{name: value for name, value in with_region(values).items() if name in known}
        )

    def _vector(self, parts: Parts) -> Vector:
        if parts not in self._vectors:
            if len(self._vectors) > 256:
                self._vectors.clear()
            styles = [self._zoo.style(name) for name, _ in parts]
            mixed = mix(styles, [weight for _, weight in parts])
            self._vectors[parts] = style_vector(mixed, self._stages["stylize"])
        return self._vectors[parts]


def sliders_of(chain: Chain) -> list[Slider]:
    """Sliders for the numbers of a look that the stages have, and for the amount of each effect."""
    able = able_numbers(chain.stages)
    numbers = [
        Slider(name, "number", number.minimum, number.maximum, number.default, number.help)
        for name, number in NUMBERS.items()
        if name in able
    ]
    return numbers + [_amount(stage) for stage in chain.stages if stage.name in AMOUNT_CONTROLS]


def _amount(stage: Stage) -> Slider:
    control = stage.controls[AMOUNT_CONTROLS[stage.name]]
    most = MOST_COLORS if stage.name == "quantize" else MOST_REGIONS
    maximum = min(most, control.maximum or most)
    default = min(SPARE_EFFECTS[stage.name].amount, maximum)
    return Slider(stage.name, "amount", control.minimum or 1, maximum, default)
