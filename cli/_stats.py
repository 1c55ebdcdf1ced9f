"""`--stats`: one line of JSON per second."""

from __future__ import annotations

import contextlib
import sys
import time
from types import TracebackType
from typing import TextIO

from ..engine.errors import OutputError
from ..engine.statistics import Stats

EVERY_SECONDS = 1.0


class StatsWriter:
    """Writes statistics to stderr ("json"), to a file, or nowhere (None).

    Raises:
        OutputError: The file cannot be written.
    """

    def __init__(self, target: str | None) -> None:
        self._file: TextIO | None = None
        self._name = "statistics to stderr" if target == "json" else str(target)
        self._owned = target not in (None, "json")
        self._next = time.monotonic() + EVERY_SECONDS
        if target == "json":
            self._file = sys.stderr
        elif target is not None:
            try:
                self._file = open(target, "w", encoding="utf-8")  # noqa: SIM115 closed by __exit__
            except OSError as error:
                raise OutputError(f"cannot write {target}: {error.strerror}") from error

    def update(self, stats: Stats) -> None:
        """Writes a line if a second has passed."""
        if time.monotonic() >= self._next:
            self._next += EVERY_SECONDS
            self.write(stats)

    def write(self, stats: Stats) -> None:
        """Writes a line."""
        if self._file is None:
            return
        try:
            self._file.write(stats.to_json() + "\n")
            self._file.flush()
        except OSError as error:
            raise OutputError(f"cannot write {self._name}: {error.strerror or error}") from error

    def __enter__(self) -> StatsWriter:
        """Returns the open writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the file; write errors were reported before."""
        if self._file is not None and self._owned:
            with contextlib.suppress(OSError):
                self._file.close()
