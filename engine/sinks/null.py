"""Sinks without an output: nothing, a function, or a mailbox."""

from __future__ import annotations

from collections.abc import Callable

from ..mailbox import Mailbox
from ..result import Result
from ..sources import SourceInfo


class NullSink:
    """Takes results and forgets them."""

    main_thread = False

    def __init__(self, *, live: bool = False) -> None:
        self.name = "null"
        self.live = live

    def open(self, info: SourceInfo) -> None:
        """Nothing to do."""

    def write(self, result: Result) -> None:
        """Forgets the result."""

    def close(self, *, completed: bool) -> None:
        """Nothing to do."""


class FunctionSink:
    """Calls a function with every result, in the sink's thread.

    Args:
        function: Takes a result.
        name: What to call the sink.
        live: Only the newest results.
    """

    main_thread = False

    def __init__(
        self, function: Callable[[Result], object], *, name: str = "function", live: bool = False
    ) -> None:
        self._function = function
        self.name = name
        self.live = live

    def open(self, info: SourceInfo) -> None:
        """Nothing to do."""

    def write(self, result: Result) -> None:
        """Calls the function."""
        self._function(result)

    def close(self, *, completed: bool) -> None:
        """Nothing to do."""


class MailboxSink:
    """Hands results to a loop in another thread.

    Args:
        box: Where they go; it is closed after the last one.
        live: Only the newest results.
    """

    main_thread = False
    name = "results"

    def __init__(self, box: Mailbox[Result], *, live: bool) -> None:
        self._box = box
        self.live = live

    def open(self, info: SourceInfo) -> None:
        """Nothing to do."""

    def write(self, result: Result) -> None:
        """Hands the result over; waits for room in a lossless mailbox."""
        self._box.put(result)

    def close(self, *, completed: bool) -> None:
        """No more results."""
        self._box.close()
