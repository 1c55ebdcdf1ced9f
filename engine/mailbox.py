"""Passes items between two threads: a newest-only slot for live pictures, a bounded queue for files.

    Newest    put, put, put -> take gives the third; two were dropped and counted
    Bounded   put blocks while `capacity` items wait; nothing is lost

Both end the same way: after `close()` a taker first gets what is left, then None.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """A thread-safe queue of at most `capacity` items.

    Args:
        capacity: How many items may wait.
        lossy: When full, drop the oldest and count it (True), or make `put` wait (False).
    """

    def __init__(self, *, capacity: int = 1, lossy: bool = True) -> None:
        if capacity < 1:
            raise ValueError(f"a mailbox holds at least one item, got {capacity}")
        self._items: deque[Item] = deque()
        self._capacity = capacity
        self._lossy = lossy
        self._changed = threading.Condition()
        self._closed = False
        self._dropped = 0
        self._discarded = 0

    @property
    def dropped(self) -> int:
        """Number of items that were put and never taken."""
        return self._dropped

    @property
    def discarded(self) -> int:
        """Number of items dropped because the mailbox was closed, not because the consumer was slow."""
        return self._discarded

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item) -> bool:
        """Adds an item; waits for space when the mailbox is not lossy.

        Returns:
            False when the mailbox was closed and the item therefore dropped.
        """
        with self._changed:
            if not self._lossy:
                self._changed.wait_for(lambda: self._closed or len(self._items) < self._capacity)
            if self._closed:
                self._dropped += 1
                self._discarded += 1
                return False
            if len(self._items) == self._capacity:
                self._items.popleft()
                self._dropped += 1
            self._items.append(item)
            self._changed.notify_all()
            return True

    def take(self, *, timeout_seconds: float | None = None) -> Item | None:
        """Removes and returns the oldest item; waits until there is one.

        Returns:
            The item, or None when the mailbox is closed and empty, or when the time is over.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or bool(self._items), timeout_seconds)
            if not self._items:
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    @property
    def finished(self) -> bool:
        """True when it is closed and nothing is left to take."""
        with self._changed:
            return self._closed and not self._items

    def close(self, *, discard: bool = False) -> int:
        """Closes the mailbox and wakes all waiting threads. `discard` drops and counts the items that are left.

        Returns:
            How many items were dropped by this call.
        """
        with self._changed:
            self._closed = True
            lost = len(self._items) if discard else 0
            if discard:
                self._dropped += lost
                self._discarded += lost
                self._items.clear()
            self._changed.notify_all()
            return lost
