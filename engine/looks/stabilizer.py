"""Steady pictures: what was painted before moves along with the picture, and only what is new is painted again.

A style network answers noise and the smallest movement with other brush strokes, so its pictures flicker. The last
output is carried along by the coarse motion of the frames and blended in, wherever that motion explains the new frame:

    moved[t]  = last output, shifted by the motion from frame t-1 to frame t
    output[t] = moved[t] + gate * (styled[t] - moved[t])

The gate is 1 (all new) where the shifted last frame differs from this one, where the shifted last painting has another
colour, and in what was covered or outside before; elsewhere it is 1 - amount. So nothing leaves a trail. The motion is
that of OpenCV's DIS on a small picture: a few milliseconds on one core, no network, no GPU. A cut, a new size or a new
style starts fresh.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..frame import Image, as_image

Floats = NDArray[np.float32]

# Motion is found on pictures whose short side is this long.
COARSE_PX = 180
# Motion is refined down to 1 / 2**FINEST of that size.
FINEST = 1
# Grey levels between the coarse new picture and the shifted last one, in the worst channel: trusted up to LOW, not at
# all from HIGH on; first for the frames, then for the paintings, whose strokes are gone at this size.
FRAME_LOW, FRAME_HIGH = 8.0, 24.0
PAINTING_LOW, PAINTING_HIGH = 20.0, 60.0
BLUR_PX = 5
DOUBT_PX = 3
# Movements below this many coarse pixels are none: what stands still is not resampled and stays sharp.
STILL_PX = 0.1
# A cut: so large is the mean difference even after the motion was taken out.
CUT = 40.0


@dataclass(frozen=True, slots=True)
class _Memory:
    """What one frame leaves for the next: the coarse frame, its output, and that coarse."""

    frame: Image
    output: Image
    painting: Image
    fingerprint: object


class Stabilizer:
    """Blends the outputs of a video over time: one object per video, one thread."""

    def __init__(self) -> None:
        self._memory: _Memory | None = None
        self._blender: _Blender | None = None
        self._motion = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._motion.setFinestScale(FINEST)

    def reset(self) -> None:
        """The next frame is the first."""
        self._memory = None

    def __call__(self, frame: Image, styled: Image, *, amount: float, fingerprint: object = None) -> Image:
        """Steadies one picture.

        Args:
            frame: uint8 [H, W, 3], BGR: the frame before the stages.
            styled: uint8 [H, W, 3], BGR: the picture after them.
            amount: 0 nothing, 1 most.
            fingerprint: Whatever else the picture depends on; when it changes, the picture starts fresh.

        Returns:
            uint8 [H, W, 3], BGR; the caller must not write to it.
        """
        now, painting = _coarse(frame), _coarse(styled)
        last = self._memory
        output = styled
        if last is not None and last.fingerprint == fingerprint and last.output.shape == styled.shape:
            flow = self._flow(now, last.frame)
            share = _trust(now, last.frame, flow, low=FRAME_LOW, high=FRAME_HIGH)
            if share is not None:
                same = _trust(painting, last.painting, flow, low=PAINTING_LOW, high=PAINTING_HIGH, cut=256.0)
                assert same is not None
                if self._blender is None or self._blender.shape != styled.shape[:2]:
                    self._blender = _Blender(*styled.shape[:2])
                share = as_floats(share * same * np.float32(amount))
                output = self._blender(last.output, styled, flow=flow, share=share)
                painting = _coarse(output)
        self._memory = _Memory(now, output, painting, fingerprint)
        return output

    def _flow(self, now: Image, before: Image) -> Floats:
        """float32 [h, w, 2]: where each coarse pixel was in the last frame, relative, in coarse pixels."""
        if min(now.shape[:2]) < 32:  # too small for the patches of DIS
            return np.zeros((*now.shape[:2], 2), np.float32)
        grey = [cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in (now, before)]
        flow = self._motion.calc(grey[0], grey[1], np.zeros((*now.shape[:2], 2), np.float32))
        moves = np.abs(flow).max(axis=2, keepdims=True) >= STILL_PX
        return as_floats(flow * moves)


def _coarse(image: Image) -> Image:
    """uint8 [h, w, 3]: the picture with its short side at most 180 pixels."""
    height, width = image.shape[:2]
    scale = min(1.0, COARSE_PX / min(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return as_image(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _trust(
    now: Image, before: Image, flow: Floats, *, low: float, high: float, cut: float = CUT
) -> Floats | None:
    """float32 [h, w] in [0, 1]: how well the motion explains the new picture; None at a cut."""
    height, width = now.shape[:2]
    places = flow + _grid(height, width)
    border = cv2.BORDER_REPLICATE
    moved = cv2.remap(before, places, None, cv2.INTER_LINEAR, borderMode=border)  # type: ignore[call-overload]
    difference = cv2.absdiff(now, as_image(moved))
    if float(difference.mean()) > cut:
        return None
    level = cv2.blur(difference, (BLUR_PX, BLUR_PX)).max(axis=2).astype(np.float32)
    trust = np.clip((high - level) / (high - low), 0.0, 1.0)
    inside = ((places >= 0) & (places <= (width - 1, height - 1))).all(axis=2)
    # Doubt spreads to the neighbours: the motion is uncertain at the edges of what moves.
    return as_floats(cv2.erode(as_floats(trust * inside), np.ones((DOUBT_PX, DOUBT_PX), np.uint8)))


class _Blender:
    """Shifts and blends pictures of one size, in buffers that it keeps: large new arrays cost more than the sums."""

    def __init__(self, height: int, width: int) -> None:
        self.shape = (height, width)
        self._grid = _grid(height, width)
        self._map = np.empty((height, width, 2), np.float32)
        self._moved = np.empty((height, width, 3), np.uint8)
        self._part = np.empty((height, width), np.float32)
        self._rest = np.empty((height, width), np.float32)

    def __call__(self, last: Image, styled: Image, *, flow: Floats, share: Floats) -> Image:
        """Carries `last` along by the coarse flow and blends it in; `share` float32 [h, w] is its part."""
        height, width = self.shape
        size = (width, height)
        flow = as_floats(flow * np.array([width / flow.shape[1], height / flow.shape[0]], np.float32))
        cv2.resize(flow, size, dst=self._map, interpolation=cv2.INTER_LINEAR)
        np.add(self._map, self._grid, out=self._map)
        border = cv2.BORDER_REPLICATE
        cv2.remap(last, self._map, None, cv2.INTER_LINEAR, dst=self._moved, borderMode=border)  # type: ignore[call-overload]
        cv2.resize(share, size, dst=self._part, interpolation=cv2.INTER_LINEAR)
        np.subtract(1.0, self._part, out=self._rest)
        return as_image(cv2.blendLinear(self._moved, styled, self._part, self._rest))


def _grid(height: int, width: int) -> Floats:
    """float32 [h, w, 2]: x and y of every pixel."""
    return as_floats(np.dstack(np.meshgrid(np.arange(width), np.arange(height))))


def as_floats(array: Any) -> Floats:
    """The same array as float32, for the type checker too."""
    floats: Floats = np.asarray(array, dtype=np.float32)
    return floats
