"""Sinks without an output file: for nothing, a function, or a mailbox."""

from __future__ import annotations

from collections.abc import Callable

from ..mailbox import Mailbox
from ..result import Result
from ..sources import SourceInfo


class NullSink:
    """Discards results."""

    main_thread = False

    def __init__(self, *, live: bool = False) -> None:
        self.name = "null"
        self.live = live

    def open(self, info: SourceInfo) -> None:
        """Does nothing."""

    def write(self, result: Result) -> None:
        """Discards the result."""

    def close(self, *, completed: bool) -> None:
        """Does nothing."""


class FunctionSink:
    """Calls a function with every result, in the sink's thread.

    Args:
        function: Called with a result.
        name: Name of the sink.
        live: Receive only the newest results.
    """

    main_thread = False

    def __init__(
        self, function: Callable[[Result], object], *, name: str = "function", live: bool = False
    ) -> None:
        self._function = function
        self.name = name
        self.live = live

    def open(self, info: SourceInfo) -> None:
        """Does nothing."""

    def write(self, result: Result) -> None:
        """Calls the function."""
        self._function(result)

    def close(self, *, completed: bool) -> None:
        """Does nothing."""


class MailboxSink:
    """Passes results to a loop in another thread.

    Args:
        box: The mailbox; it is closed after the last result.
        live: Receive only the newest results.
    """

    main_thread = False
    name = "results"

    def __init__(self, box: Mailbox[Result], *, live: bool) -> None:
        self._box = box
        self.live = live

    def open(self, info: SourceInfo) -> None:
        """Does nothing."""

    def write(self, result: Result) -> None:
        """Puts the result into the mailbox; waits for space in a lossless mailbox."""
        self._box.put(result)

    def close(self, *, completed: bool) -> None:
        """Closes the mailbox."""
        self._box.close()
