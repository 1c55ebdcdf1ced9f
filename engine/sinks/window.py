"""`display://`: a window with statistics and keys, by OpenCV."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import cv2

from ..errors import ArtrtError, OutputError
from ..result import Result
from ..sources import SourceInfo
from .base import EncodeOptions
from .hud import HELP, draw_text, hud_lines, split_view
from .player import Player
from .remote import STEP, STROKE_FACTOR, Remote

TITLE = "artrt"
ESCAPE = "\x1b"
NOTICE_SECONDS = 2.5
NO_SCREEN = "there is no screen for a window: use --headless, or -o with a file or a web page"


class WindowSink:
    """Shows results and handles keys; must run in the main thread.

    Args:
        folder: Folder of snapshots and recordings; None means the current folder.
        recording: File of a recording that starts with the window; None waits for the key.
        options: Encoding of recordings.
        hud: Show statistics from the start.
    """

    name = "display"
    live = True
    main_thread = True

    def __init__(
        self,
        *,
        folder: Path | None = None,
        recording: Path | None = None,
        options: EncodeOptions | None = None,
        hud: bool = True,
    ) -> None:
        self._folder, self._recording, self._options = folder, recording, options
        self._hud, self._help, self._split, self._full = hud, False, False, False
        self._player: Player | None = None
        self._remote: Remote | None = None
        self._last: Result | None = None
        self._age_ms = 0.0
        self._notice: tuple[float, str] = (0.0, "")
        self._shown = False

    def attach(self, player: Player) -> None:
        """Sets the player to control."""
        self._player = player
        self._remote = Remote(player, folder=self._folder, recording=self._recording, options=self._options)

    def open(self, info: SourceInfo) -> None:
        """Starts the requested recording; the window opens with the first picture.

        A window whose events are not handled for a while after its creation may stay black, so it is not created here.

        Raises:
            OutputError: There is no screen, or the recording cannot be written.
        """
        if not has_screen():
            raise OutputError(NO_SCREEN)
        if self._recording is not None and self._remote is not None:
            self._remote.toggle_recording()

    def write(self, result: Result) -> None:
        """Shows a result, then handles keys.

        Raises:
            OutputError: This OpenCV has no windows.
        """
        self._last, self._age_ms = result, result.age_ms
        if self._shown:
            self._draw()
        else:
            self._show()
        self._obey()

    def idle(self) -> None:
        """Keeps the window responsive while there is no new result."""
        if self._shown:
            self._draw()
            self._obey()

    def close(self, *, completed: bool) -> None:
        """Closes the window."""
        if self._shown:
            self._shown = False
            with contextlib.suppress(cv2.error):
                cv2.destroyWindow(TITLE)
                cv2.pollKey()

    def press(self, key: str) -> None:
        """Runs the action of a key; unknown keys do nothing."""
        action = self._actions().get(key)
        if key.isdecimal() and key != "0":
            self._choose_style(int(key) - 1)
        elif action is not None:
            try:
                action()
            except ArtrtError as error:
                self._say(str(error))

    def _actions(self) -> dict[str, Callable[[], object]]:
        player, remote = self._player, self._remote
        assert player is not None
        assert remote is not None
        controls = player.controls
        return {
            "q": player.stop,
            ESCAPE: player.stop,
            " ": lambda: player.pause(not player.paused),
            "n": lambda: controls.step_style(1),
            "p": lambda: controls.step_style(-1),
            "+": lambda: remote.change("strength", STEP),
            "=": lambda: remote.change("strength", STEP),
            "-": lambda: remote.change("strength", -STEP),
            "[": lambda: remote.scale("stroke", 1 / STROKE_FACTOR),
            "]": lambda: remote.scale("stroke", STROKE_FACTOR),
            "s": self._snapshot,
            "r": self._record,
            "o": lambda: self._flip("_split"),
            "k": remote.toggle_salient,
            "c": lambda: self._toggle("quantize"),
            "x": lambda: self._toggle("superpixels"),
            "h": lambda: self._flip("_hud"),
            "f": self._full_screen,
            "?": lambda: self._flip("_help"),
        }

    def _show(self) -> None:
        assert self._last is not None
        height, width = self._last.image.shape[:2]
        try:
            cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        except cv2.error as error:
            raise OutputError(f"this OpenCV has no windows (opencv-python-headless?): {error}") from error
        self._shown = True
        self._draw()
        cv2.resizeWindow(
            TITLE, width, height
        )  # some window systems ignore a size that is set before the first picture

    def _draw(self) -> None:
        if self._last is None or self._player is None or self._remote is None:
            return
        image = split_view(self._last.frame.image, self._last.image) if self._split else self._last.image
        lines: list[str] = []
        if self._hud:
            lines += hud_lines(
                self._player.stats(),
                self._player.controls.state,
                recording=self._remote.recording,
                paused=self._player.paused,
                age_ms=self._age_ms,
            )
        lines += HELP if self._help else ()
        if time.monotonic() < self._notice[0]:
            lines.append(self._notice[1])
        cv2.imshow(TITLE, draw_text(image, lines) if lines else image)

    def _obey(self) -> None:
        assert self._player is not None
        code = cv2.waitKey(1)  # with pollKey, Qt does not always paint
        if code >= 0:
            self.press(chr(code & 0xFF))
        if not _is_open():
            self._player.stop()

    def _choose_style(self, place: int) -> None:
        assert self._player is not None
        styles = self._player.controls.state.styles
        if place < len(styles):
            self._player.controls.set(style=styles[place])

    def _toggle(self, stage: str) -> None:
        assert self._player is not None
        if stage in self._player.controls.state.switches:
            self._player.controls.toggle(stage)
        else:
            self._say(f"{stage} is not loaded")

    def _flip(self, attribute: str) -> None:
        setattr(self, attribute, not getattr(self, attribute))

    def _snapshot(self) -> None:
        if self._last is not None and self._remote is not None:
            self._say(f"wrote {self._remote.snapshot(self._last.image)}")

    def _record(self) -> None:
        assert self._remote is not None
        finished = self._remote.recording
        started = self._remote.toggle_recording()
        self._say(f"recording {started}" if started else f"wrote {finished}")

    def _full_screen(self) -> None:
        self._full = not self._full
        mode = cv2.WINDOW_FULLSCREEN if self._full else cv2.WINDOW_NORMAL
        cv2.setWindowProperty(TITLE, cv2.WND_PROP_FULLSCREEN, mode)

    def _say(self, text: str) -> None:
        self._notice = (time.monotonic() + NOTICE_SECONDS, text)


def _is_open() -> bool:
    """False after the user has closed the window."""
    try:
        return cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) >= 1
    except cv2.error:  # Qt, after its last window was closed
        return False


def has_screen() -> bool:
    """Whether a window can be shown: Linux needs an X or Wayland display."""
    needs_server = platform.system() == "Linux"
    return not needs_server or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
