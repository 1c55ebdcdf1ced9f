"""A style stage that paints the background in a second style, or keeps the photograph there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..frame import Image
from ..stage_spec import Control
from .stage import Stage

Mask = NDArray[np.float32]

MASK, STYLE, BACKGROUND = "mask", "style", "background"
ATTENTION = "attention"
KEEP_SALIENT, KEEP_BACKGROUND = "keep_salient", "keep_background"


def needs_mask(values: Mapping[str, Any]) -> bool:
    """Whether these values treat the salient region and the background differently."""
    kept = max(float(values.get(name, 0.0)) for name in (KEEP_SALIENT, KEEP_BACKGROUND))
    return kept > 0 or BACKGROUND in values


def with_region(values: Mapping[str, Any]) -> dict[str, Any]:
    """Adds to the values, when the background differs, that the mask is the subject alone.

    For `keep_salient` alone, the mask also covers what a classifier would look at, far beyond the subject.
    """
    apart = BACKGROUND in values or float(values.get(KEEP_BACKGROUND, 0.0)) > 0
    return {**values, ATTENTION: 0.0} if apart else dict(values)


class BackdropStage(Stage):
    """A style stage with two more controls; it paints the background by a second run of the same network.

    `background` is the style vector, float32 [D], where the mask is 0; default: `style`. `keep_background`, 0 to 1,
    is the share of the photograph there. The two paintings are blended by the soft mask, at frame size and in main
    memory.
    """

    @property
    def controls(self) -> Mapping[str, Control]:
        """Names of the controls that a call accepts."""
        if MASK not in self.spec.controls:
            return self.spec.controls
        own = {
            BACKGROUND: self.spec.controls[STYLE],
            KEEP_BACKGROUND: Control((), default=0.0, minimum=0.0, maximum=1.0),
        }
        return {**self.spec.controls, **own}

    def advance(self, frame: Any, *, size: tuple[int, int], controls: Mapping[str, Any]) -> Any:
        """Runs the stage on a tensor of `upload`; returns a tensor of the same kind."""
        mine = {name: value for name, value in controls.items() if name in self.spec.controls}
        second, kept = controls.get(BACKGROUND), float(controls.get(KEEP_BACKGROUND, 0.0))
        if MASK not in controls or (second is None and kept == 0):
            return super().advance(frame, size=size, controls=mine)
        self._start_fresh_on_new_size(size)
        before = self._states
        subject = super().advance(frame, size=size, controls=mine)
        behind = subject
        if second is not None and kept < 1:
            after, self._states = self._states, before
            behind = super().advance(frame, size=size, controls=mine | {STYLE: second})
            self._states = after
        scenery = _mixed(self.download(frame), self.download(behind), kept)
        mask = controls[MASK] if isinstance(controls[MASK], np.ndarray) else self.download(controls[MASK])
        return self.upload(blend(self.download(subject), scenery, mask))


def blend(subject: Image, behind: Image, mask: Mask) -> Image:
    """Blends two pictures: `subject` where the mask is 1, `behind` where it is 0.

    Args:
        subject: uint8 [H, W, 3].
        behind: uint8 [H, W, 3].
        mask: float32 [h, w] in [0, 1], any size.
    """
    height, width = subject.shape[:2]
    weight = cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR).clip(0, 1)
    return np.asarray(cv2.blendLinear(subject, behind, weight, 1 - weight), np.uint8)


def _mixed(photo: Image, painting: Image, share: float) -> Image:
    """Blends photograph and painting; `share` is the photograph's weight."""
    return np.asarray(cv2.addWeighted(photo, share, painting, 1 - share, 0), np.uint8)
