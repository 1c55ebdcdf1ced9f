"""`test://WxH@fps`: a moving scene, so that everything can be tried without a camera."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np

from ..errors import UsageError
from ..frame import Frame, Image
from .base import SourceInfo, SourceOptions

_ADDRESS = re.compile(r"test://(?:(\d+)x(\d+))?(?:@(\d+(?:\.\d+)?))?(?:\?frames=(\d+))?")


@dataclass(frozen=True, slots=True)
class Scene:
    """Size, rate and length of the test scene; `frames` None never ends."""

    width: int = 640
    height: int = 360
    fps: float = 30.0
    frames: int | None = None

    @classmethod
    def parse(cls, address: str) -> Scene:
        """Reads `test://`, `test://640x360`, `test://640x360@30` or `test://640x360@30?frames=100`.

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
    """Draws the scene: coloured tiles that slide by, a ball, and the number of the frame.

    Args:
        scene: Size, rate, length.
        live: Give frames at their rate (True), or as fast as they are taken (False).
    """

    reconnects = 0

    def __init__(self, scene: Scene, *, live: bool) -> None:
        self._scene = scene
        self._live = live
        self._index = 0
        self._started: float | None = None
        self._cancelled = threading.Event()
        self._wall = _wall(scene.width, scene.height)
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
        """The next frame, at its time when live; late frames come at once, none is skipped."""
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
        width, height = self._scene.width, self._scene.height
        shift = (2 * index) % width
        image: Image = self._wall[:, shift : shift + width].copy()
        angle = index / self._scene.fps * 2
        center = (
            round(width * (0.5 + 0.35 * np.cos(angle))),
            round(height * (0.5 + 0.3 * np.sin(1.3 * angle))),
        )
        cv2.circle(image, center, max(1, min(width, height) // 8), (40, 200, 250), -1, cv2.LINE_AA)
        text_scale = height / 480
        cv2.putText(
            image, str(index), (width // 30, height // 8), 0, text_scale, (255, 255, 255), 2, cv2.LINE_AA
        )
        return image


def open_scene(address: str, *, options: SourceOptions, live: bool = True) -> SceneSource:
    """Opens `test://`; `--input-size` and `--input-fps` win over the address."""
    scene = Scene.parse(address)
    width, height = (
        (scene.width, scene.height) if options.size is None else options.size.of(scene.width, scene.height)
    )
    return SceneSource(Scene(width, height, options.fps or scene.fps, scene.frames), live=live)


def _wall(width: int, height: int) -> Image:
    """uint8 [height, 2 * width, 3]: tiles with a colour gradient; its right half repeats the left one."""
    tile = max(4, height // 6)
    rows, columns = np.mgrid[0:height, 0:width]
    checker = ((rows // tile + columns // tile) % 2)[..., None]
    wave = 0.5 + 0.5 * np.sin(2 * np.pi * (columns[..., None] / width + np.array([0.0, 0.33, 0.66])))
    shade = 60 + 120 * wave * (0.4 + 0.6 * rows[..., None] / height) + 50 * checker
    half = shade.clip(0, 255).astype(np.uint8)
    return np.concatenate([half, half], axis=1)
