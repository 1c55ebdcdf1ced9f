"""Reduces flicker: the previous painting is moved with the picture, and only new parts are replaced.

A style network paints different strokes for noise and small movements, so its pictures flicker. The last output is
warped by the coarse motion of the frames and blended in wherever that motion explains the new frame:

    moved[t]  = last output, shifted by the motion from frame t-1 to frame t
    output[t] = moved[t] + gate * (styled[t] - moved[t])

The gate is 1 (all new) where the warped last frame differs from this one, where the warped last painting has another
colour, and where the picture was covered or outside before; elsewhere it is 1 - amount. This avoids ghosting. The
motion is OpenCV's DIS optical flow on a small picture: a few milliseconds on one core, no network, no GPU. A cut, a new
size or a new style resets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..frame import Image, as_image

Floats = NDArray[np.float32]

# Short side, in pixels, of the pictures on which motion is estimated.
COARSE_PX = 180
# The finest level of the estimation is 1 / 2**FINEST of that size.
FINEST = 1
# Difference in grey levels between the coarse new picture and the warped last one, in the worst channel: full trust up
# to LOW, none from HIGH on; first for frames, then for paintings, whose strokes are invisible at this size.
FRAME_LOW, FRAME_HIGH = 8.0, 24.0
PAINTING_LOW, PAINTING_HIGH = 20.0, 60.0
BLUR_PX = 5
DOUBT_PX = 3
# Movements below this many coarse pixels count as none: still parts are not resampled and stay sharp.
STILL_PX = 0.1
# A mean difference above this, after motion compensation, is a cut.
CUT = 40.0


@dataclass(frozen=True, slots=True)
class _Memory:
    """Kept for the next frame: the coarse frame, its output, and the coarse output."""

    frame: Image
    output: Image
    painting: Image
    fingerprint: object


class Stabilizer:
    """Blends the outputs of a video over time. One object per video; not thread-safe."""

    def __init__(self) -> None:
        self._memory: _Memory | None = None
        self._blender: _Blender | None = None
        self._motion = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._motion.setFinestScale(FINEST)

    def reset(self) -> None:
        """Treats the next frame as the first."""
        self._memory = None

    def __call__(self, frame: Image, styled: Image, *, amount: float, fingerprint: object = None) -> Image:
        """Stabilizes one picture.

        Args:
            frame: uint8 [H, W, 3], BGR: the input of the stages.
            styled: uint8 [H, W, 3], BGR: the output of the stages.
            amount: 0 (off) to 1 (strongest).
            fingerprint: Everything else that the picture depends on; a change resets the stabilizer.

        Returns:
            uint8 [H, W, 3], BGR; the caller must not modify it.
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
        """float32 [h, w, 2]: offset of each coarse pixel to its place in the last frame, in coarse pixels."""
        if min(now.shape[:2]) < 32:  # smaller than the patches of DIS
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
    # Low trust spreads to neighbours: motion is uncertain at the edges of moving objects.
    return as_floats(cv2.erode(as_floats(trust * inside), np.ones((DOUBT_PX, DOUBT_PX), np.uint8)))


class _Blender:
    """Warps and blends pictures of one size in reused buffers, because allocating large arrays is slow."""

    def __init__(self, height: int, width: int) -> None:
        self.shape = (height, width)
        self._grid = _grid(height, width)
        self._map = np.empty((height, width, 2), np.float32)
        self._moved = np.empty((height, width, 3), np.uint8)
        self._part = np.empty((height, width), np.float32)
        self._rest = np.empty((height, width), np.float32)

    def __call__(self, last: Image, styled: Image, *, flow: Floats, share: Floats) -> Image:
        """Warps `last` by the coarse flow and blends it in with the weight `share`, float32 [h, w]."""
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
    """The array as float32, also for the type checker."""
    floats: Floats = np.asarray(array, dtype=np.float32)
    return floats
