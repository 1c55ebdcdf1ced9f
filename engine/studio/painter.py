"""Paints pictures as visitors wish, in the worker: one set of loaded stages for all of them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..frame import Image
from ..looks.controls import Vector
from ..looks.look import AMOUNT_CONTROLS, style_vector
from ..playing.live import LiveOptions, open_stages
from ..stages.chain import Chain
from ..stages.stage import Stage
from ..zoo.style import mix
from ..zoo.zoo import Zoo
from .options import StudioOptions
from .wishes import Parts, Slider, Wish

MOST_COLORS = 64
MOST_REGIONS = 4000


class Painter:
    """The stages and what a wish sets in them.

    Args:
        options: Models, provider.
        threads: Threads of one inference on a CPU.
    """

    def __init__(self, options: StudioOptions, *, threads: int | None) -> None:
        self._zoo = options.zoo
        first = options.zoo.styles()[0]
        live = LiveOptions(
            style=first, model=options.model, provider=options.provider, threads=threads, zoo=options.zoo
        )
        self.chain: Chain = open_stages(live)[0]
        self._stages = {stage.name: stage for stage in self.chain.stages}
        self._vectors: dict[Parts, Vector] = {}

    def __call__(self, image: Image, wish: Wish) -> Image:
        """Paints one picture on its own.

        Args:
            image: uint8 [H, W, 3], BGR.
            wish: The look.

        Returns:
            uint8 [H, W, 3], BGR.

        Raises:
            IntegrityError: A style belongs to another trunk.
        """
        self.chain.reset()
        return self.next(image, wish)

    def next(self, image: Image, wish: Wish) -> Image:
        """Paints the next frame of a scene; see `__call__`."""
        painted = self._paint(image, wish, wish.style)
        if not (wish.background and wish.style) or "saliency" not in self._stages:
            return painted
        behind = self._paint(image, wish, wish.background)
        return _blend(painted, behind, self._stages["saliency"](image))

    def _paint(self, image: Image, wish: Wish, style: Parts) -> Image:
        wanted = {"stylize": bool(style), "saliency": bool(style) and wish.numbers.get("keep_salient", 0) > 0}
        for name in self._stages:
            on = wanted.get(name, name in wish.amounts)
            if on != (name in self.chain.enabled):
                self.chain.enable(name, on)
        values: dict[str, Any] = dict(wish.numbers)
        values |= {AMOUNT_CONTROLS[name]: float(amount) for name, amount in wish.amounts.items()}
        if style:
            values["style"] = self._vector(style)
        return self.chain(image, **values)

    def _vector(self, parts: Parts) -> Vector:
        if parts not in self._vectors:
            if len(self._vectors) > 256:
                self._vectors.clear()
            styles = [self._zoo.style(name) for name, _ in parts]
            mixed = mix(styles, [weight for _, weight in parts])
            self._vectors[parts] = style_vector(mixed, self._stages["stylize"])
        return self._vectors[parts]


def sliders_of(chain: Chain, *, zoo: Zoo) -> list[Slider]:
    """The controls that the stages have: a number of the style each, an amount for each effect.

    Args:
        chain: The stages. A control that a new trunk brings appears by itself.
        zoo: Says which effects there are.
    """
    found: list[Slider] = []
    for stage in chain.stages:
        if stage.name in AMOUNT_CONTROLS:
            found.append(_amount(stage))
            continue
        for name, control in stage.controls.items():
            if control.shape == () and control.minimum is not None and control.maximum is not None:
                default = control.default or 0.0
                found.append(Slider(name, "number", control.minimum, control.maximum, default))
    return sorted(found, key=lambda slider: slider.kind, reverse=True)


def _amount(stage: Stage) -> Slider:
    control = stage.controls[AMOUNT_CONTROLS[stage.name]]
    most = MOST_COLORS if stage.name == "quantize" else MOST_REGIONS
    maximum = min(most, control.maximum or most)
    default = min(16 if stage.name == "quantize" else 600, maximum)
    return Slider(stage.name, "amount", control.minimum or 1, maximum, default)


def _blend(subject: Image, behind: Image, mask: NDArray[np.float32]) -> Image:
    """The subject where the mask is 1, what is behind where it is 0."""
    height, width = subject.shape[:2]
    weight = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR)
    blended: Image = cv2.blendLinear(subject, behind, weight, 1 - weight).astype(np.uint8)
    return blended
