"""Remote control: what keys of the window and buttons of the web page do."""

from __future__ import annotations

import time
from pathlib import Path

from ..frame import Image, write_image
from ..looks.look import NUMBERS
from .base import EncodeOptions
from .player import Player
from .recording import Recording, RecordingLimits
from .video_file import VideoFileSink

STEP = 0.1
#: Factor of one key press on the stroke size.
STROKE_FACTOR = 1.25


class Remote:
    """Snapshots, recordings and stepwise changes of one player; thread-safe.

    Args:
        player: The player to control.
        folder: Folder of snapshots and recordings.
        recording: File of the first recording; later ones are numbered. None uses the time as name.
        options: Encoding of recordings.
        limits: Limits of recordings, except the one of `recording`.
    """

    def __init__(
        self,
        player: Player,
        *,
        folder: Path | None = None,
        recording: Path | None = None,
        options: EncodeOptions | None = None,
        limits: RecordingLimits | None = None,
    ) -> None:
        self._player = player
        self._folder = folder or Path()
        self._recording = recording
        self._options = options
        self._limits = limits
        self._count = 0

    @property
    def recording(self) -> str | None:
        """The file of the current recording, or None."""
        return self._player.recorder.name

    @property
    def problem(self) -> str | None:
        """Why the last recording ended automatically, or None; cleared by the next one."""
        return self._player.recorder.problem

    def toggle_recording(self) -> str | None:
        """Starts a recording, or finishes the current one, even if it was started elsewhere.

        Returns:
            The file of the new recording, or None if one was finished.

        Raises:
            OutputError: It cannot be written.
        """
        recorder = self._player.recorder
        with recorder.lock:
            finished, going_on = recorder.current, self.recording is not None
            if finished is not None:
                recorder.current = None
                self._player.remove_sink(finished.name)
            if going_on:
                return None
            sink = self._new_recording()
            self._player.add_sink(sink)
            recorder.current = sink
            return sink.name

    def snapshot(self, image: Image) -> Path:
        """Writes a picture, uint8 [H, W, 3] BGR, with the time as file name.

        Raises:
            OutputError: It cannot be written.
        """
        path = self._folder / f"artrt-{_stamp()}.png"
        write_image(path, image)
        return path

    def change(self, name: str, step: float) -> float:
        """Adds to a number within its limits; returns the new value.

        Raises:
            UsageError: No stage has this control.
        """
        return self._set(name, self._player.controls.state.numbers.get(name, 0.0) + step)

    def scale(self, name: str, factor: float) -> float:
        """Multiplies a number within its limits; returns the new value.

        Raises:
            UsageError: No stage has this control.
        """
        return self._set(name, self._player.controls.state.numbers.get(name, NUMBERS[name].default) * factor)

    def _set(self, name: str, value: float) -> float:
        value = min(NUMBERS[name].maximum, max(NUMBERS[name].minimum, round(value, 2)))
        self._player.controls.change({name: value})
        return value

    def toggle_salient(self) -> float:
        """Switches `keep_salient` between 0 and 1; returns the new value."""
        kept = self._player.controls.state.numbers.get("keep_salient", 0.0) > 0
        return self.change("keep_salient", -1.0 if kept else 1.0)

    def _new_recording(self) -> VideoFileSink | Recording:
        self._count += 1
        if self._recording is None:
            path = self._folder / f"artrt-{_stamp()}.mp4"
        elif self._count == 1:
            return VideoFileSink(self._recording, options=self._options)
        else:
            path = self._recording.with_stem(f"{self._recording.stem}-{self._count}")
        return Recording(path, options=self._options, limits=self._limits)


def _stamp() -> str:
    now = time.time()
    return time.strftime("%Y%m%d-%H%M%S", time.localtime(now)) + f"-{int(now * 1000) % 1000:03d}"
