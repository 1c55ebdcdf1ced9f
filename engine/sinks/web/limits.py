"""Rate limits per client, and limited places for all clients."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable

REMEMBERED_ADDRESSES = 4096


class Buckets:
    """A token bucket per client address; the oldest addresses are removed.

    Args:
        burst: Capacity of a bucket.
        per_second: Refill rate.
        clock: Returns the time in seconds.
    """

    def __init__(
        self, burst: float, per_second: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst, self._per_second, self._clock = burst, per_second, clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def level(self, address: str) -> float:
        """Tokens left for an address."""
        level, since = self._levels.get(address, (self._burst, self._clock()))
        return min(self._burst, level + (self._clock() - since) * self._per_second)

    def take(self, address: str) -> bool:
        """Takes one token; False if none is left."""
        level = self.level(address)
        allowed = level >= 1.0
        self._levels[address] = (level - 1.0 if allowed else level, self._clock())
        self._levels.move_to_end(address)
        if len(self._levels) > REMEMBERED_ADDRESSES:
            self._levels.popitem(last=False)
        return allowed


class Places:
    """A limited number of places, shared so that a new client can get one.

    An address gets a place if it has fewer places than are free. So a single address gets at most half of all places,
    and the last free place goes to an address that has none.

    Args:
        limit: Number of places.
        each: Limit per address; None means no further limit.
    """

    def __init__(self, limit: int, *, each: int | None = None) -> None:
        self._limit = limit
        self._each = limit if each is None else each
        self._held: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """Number of places in use."""
        return self._held.total()

    def take(self, address: str) -> bool:
        """Takes a place for an address; False if it gets none."""
        if self._held[address] >= min(self._each, self._limit - self.taken):
            return False
        self._held[address] += 1
        return True

    def leave(self, address: str) -> None:
        """Frees a place."""
        self._held[address] -= 1
        if self._held[address] <= 0:
            del self._held[address]
