"""Objects that are closed at the end of a `with` block."""

from __future__ import annotations

from typing import TypeVar

Self = TypeVar("Self", bound="Closing")


class Closing:
    """A base of classes with `close()`: `with` calls it at the end of the block."""

    def close(self) -> None:
        """Frees what the object holds."""
        raise NotImplementedError

    def __enter__(self: Self) -> Self:
        """Enters a context that closes the object at its end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the object."""
        self.close()
