"""`test://WxH@fps`: a moving photograph, to try everything without a camera."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from ..errors import UsageError
from ..frame import Frame, Image, as_image, read_image
from .base import SourceInfo, SourceOptions

PHOTO = Path(__file__).with_name("astronaut.jpg")
_ADDRESS = re.compile(r"test://(?:(\d{1,9})x(\d{1,9}))?(?:@(\d{1,9}(?:\.\d+)?))?(?:\?frames=(\d{1,9}))?")


@dataclass(frozen=True, slots=True)
class Scene:
    """Size, rate and length of the test scene; endless if `frames` is None."""

    width: int = 640
    height: int = 360
    fps: float = 30.0
    frames: int | None = None

    @classmethod
    def parse(cls, address: str) -> Scene:
        """Parses `test://`, `test://640x360`, `test://640x360@30` or `test://640x360@30?frames=100`.

        Raises:
            UsageError: It is none of these.
        """
        match = _ADDRESS.fullmatch(address)
        if match is None:
            raise UsageError(f"'{address}': expected test://WIDTHxHEIGHT@FPS, as in test://640x360@30")
        width, height, fps, frames = match.groups()
        scene = cls(int(width or 640), int(height or 360), float(fps or 30), int(frames) if frames else None)
        if not (1 <= scene.width <= 16384 and 1 <= scene.height <= 16384 and 0 < scene.fps <= 10000):
            raise UsageError(f"'{address}': expected 1 to 16384 pixels, rate up to 10000")
        return scene


class SceneSource:
    """Moves a window over a photograph (Eileen Collins, by NASA, public domain).

    Args:
        scene: Size, rate, length.
        live: Give frames in real time (True), or as fast as they are read (False).
    """

    reconnects = 0

    def __init__(self, scene: Scene, *, live: bool) -> None:
        self._scene = scene
        self._live = live
        self._index = 0
        self._started: float | None = None
        self._cancelled = threading.Event()
        self._photo = read_image(PHOTO)
        rate = Fraction(scene.fps).limit_denominator(1001)
        self.info = SourceInfo(
            name=f"test://{scene.width}x{scene.height}@{scene.fps:g}",
            live=live,
            width=scene.width,
            height=scene.height,
            rate=rate,
            time_base=1 / rate,
            frame_count=scene.frames,
            duration_seconds=None if scene.frames is None else scene.frames / scene.fps,
        )

    def read(self) -> Frame | None:
        """The next frame, in real time if live; late frames come at once and none is skipped."""
        index = self._index
        if self._cancelled.is_set() or index == self._scene.frames:
            return None
        self._index += 1
        due_seconds = index / self._scene.fps
        self._started = self._started or time.monotonic()
        wait_seconds = self._started + due_seconds - time.monotonic()
        if self._live and wait_seconds > 0 and self._cancelled.wait(wait_seconds):
            return None
        return Frame(self._draw(index), index, due_seconds, time.monotonic())

    def cancel(self) -> None:
        """Ends the scene."""
        self._cancelled.set()

    def close(self) -> None:
        """Nothing to free."""

    def _draw(self, index: int) -> Image:
        """The photograph through a window that moves and changes its size."""
        width, height = self._scene.width, self._scene.height
        rows, columns = self._photo.shape[:2]
        clock = index / 30  # a fast scene moves fast
        zoom = 1.3 + 0.2 * np.sin(0.41 * clock)
        scale = zoom * max(width / columns, height / rows)
        free_x, free_y = scale * columns - width, scale * rows - height  # how far the window may move
        left = free_x * (0.5 + 0.5 * np.sin(0.83 * clock))
        top = free_y * (0.3 + 0.3 * np.sin(0.67 * clock))
        shift = np.array([[scale, 0, -left], [0, scale, -top]], np.float32)
        border = cv2.BORDER_REPLICATE
        return as_image(cv2.warpAffine(self._photo, shift, (width, height), borderMode=border))


def open_scene(address: str, *, options: SourceOptions, live: bool = True) -> SceneSource:
    """Opens `test://`; `--input-size` and `--input-fps` override the address."""
    scene = Scene.parse(address)
    width, height = (
        (scene.width, scene.height) if options.size is None else options.size.of(scene.width, scene.height)
    )
    return SceneSource(Scene(width, height, options.fps or scene.fps, scene.frames), live=live)
