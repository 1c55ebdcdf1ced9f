"""How much one client may take, and how much all of them together."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable

REMEMBERED_ADDRESSES = 4096


class Buckets:
    """A token bucket for each client address; the oldest addresses are forgotten.

    Args:
        burst: Size of a bucket.
        per_second: How fast it fills.
        clock: Seconds.
    """

    def __init__(
        self, burst: float, per_second: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst, self._per_second, self._clock = burst, per_second, clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def level(self, address: str) -> float:
        """What is left for an address."""
        level, since = self._levels.get(address, (self._burst, self._clock()))
        return min(self._burst, level + (self._clock() - since) * self._per_second)

    def take(self, address: str) -> bool:
        """Takes one; False when nothing is left."""
        level = self.level(address)
        allowed = level >= 1.0
        self._levels[address] = (level - 1.0 if allowed else level, self._clock())
        self._levels.move_to_end(address)
        if len(self._levels) > REMEMBERED_ADDRESSES:
            self._levels.popitem(last=False)
        return allowed


class Places:
    """A number of places, shared so that a newcomer finds one.

    An address gets a place as long as it holds fewer than are free. So one address alone gets half of all places, and
    the last free one goes to an address that has none.

    Args:
        limit: Places in all.
        each: At most so many for one address; None sets no other limit.
    """

    def __init__(self, limit: int, *, each: int | None = None) -> None:
        self._limit = limit
        self._each = limit if each is None else each
        self._held: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """Places that are held now."""
        return self._held.total()

    def take(self, address: str) -> bool:
        """Takes a place for an address; False when it gets none."""
        if self._held[address] >= min(self._each, self._limit - self.taken):
            return False
        self._held[address] += 1
        return True

    def leave(self, address: str) -> None:
        """Gives a place back."""
        self._held[address] -= 1
        if self._held[address] <= 0:
            del self._held[address]
