"""What plays: the little of a pipeline that a window, a page or a remote needs to steer it."""

from __future__ import annotations

import os
from typing import Protocol, runtime_checkable

from ..looks.controls import Controls
from ..statistics import Stats
from .base import Sink
from .recording import Recorder


class Player(Protocol):
    """Something that plays frames into sinks and can be steered from any thread; a `Pipeline` is one."""

    controls: Controls
    """Style, strengths and switches."""
    recorder: Recorder
    """What is being recorded."""

    @property
    def paused(self) -> bool:
        """Whether it is paused."""

    def pause(self, paused: bool = True) -> None:
        """Stops the picture or lets it go on."""

    def stats(self) -> Stats:
        """Counts and times until now."""

    def stop(self) -> None:
        """Asks everything to end."""

    def add_sink(self, sink: Sink | str | os.PathLike[str]) -> None:
        """Adds a sink while it plays.

        Raises:
            OutputError: It cannot be opened.
        """

    def remove_sink(self, name: str) -> bool:
        """Finishes the sink of that name; False when there is none."""


@runtime_checkable
class Attachable(Protocol):
    """A sink that also steers what feeds it: the window, the web page."""

    def attach(self, player: Player) -> None:
        """Gets to know the player, before `open`."""
