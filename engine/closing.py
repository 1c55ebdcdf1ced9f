"""Objects that are closed at the end of a `with` block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

Self = TypeVar("Self", bound="Closing")


class Closing(ABC):
    """A base of classes with `close()`: `with` calls it at the end of the block."""

    @abstractmethod
    def close(self) -> None:
        """Frees what the object holds."""

    def __enter__(self: Self) -> Self:
        """Enters a context that closes the object at its end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the object."""
        self.close()
