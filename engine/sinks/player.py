"""The interface of a player: the part of a pipeline that window, page and remote control use."""

from __future__ import annotations

import os
from typing import Protocol, runtime_checkable

from ..looks.controls import Controls
from ..statistics import Stats
from .base import Sink
from .recording import Recorder


class Player(Protocol):
    """Plays frames to sinks and can be controlled from any thread; `Pipeline` implements it."""

    controls: Controls
    """Style, strengths and switches."""
    recorder: Recorder
    """The current recording."""

    @property
    def paused(self) -> bool:
        """Whether playback is paused."""

    def pause(self, paused: bool = True) -> None:
        """Pauses or resumes playback."""

    def stats(self) -> Stats:
        """Current counts and times."""

    def stop(self) -> None:
        """Stops playback."""

    def add_sink(self, sink: Sink | str | os.PathLike[str]) -> None:
        """Adds a sink during playback.

        Raises:
            OutputError: It cannot be opened.
        """

    def remove_sink(self, name: str) -> bool:
        """Finishes and removes a sink; False if no sink has that name."""


@runtime_checkable
class Attachable(Protocol):
    """A sink that also controls its player: the window, the web page."""

    def attach(self, player: Player) -> None:
        """Sets the player; called before `open`."""
