from __future__ import annotations

import threading
import time

import pytest

from artrt.engine.mailbox import Mailbox


def test_newest_only_keeps_the_last_and_counts_the_others():
    box = Mailbox(capacity=1, lossy=True)
    assert all(box.put(k) for k in range(5))
    assert box.take() == 4
    assert (box.dropped, box.discarded) == (4, 0)


def test_lossless_waits_for_room_and_loses_nothing():
    box = Mailbox(capacity=2, lossy=False)
    taken = []

    def consume():
        while (item := box.take()) is not None:
            time.sleep(0.001)
            taken.append(item)

    thread = threading.Thread(target=consume)
    thread.start()
    for k in range(1, 51):
        box.put(k)
    box.close()
    thread.join(5)
    assert taken == list(range(1, 51))
    assert box.dropped == 0


def test_close_gives_what_is_left_then_none():
    box = Mailbox(capacity=3, lossy=False)
    box.put("a")
    box.close()
    assert not box.finished
    assert box.take() == "a"
    assert box.take() is None
    assert box.finished


def test_close_and_discard_counts_what_nobody_took():
    box = Mailbox(capacity=3, lossy=False)
    box.put(1)
    box.put(2)
    box.close(discard=True)
    assert box.take() is None
    assert (box.dropped, box.discarded) == (2, 2)


def test_put_after_close_is_a_counted_drop():
    box = Mailbox()
    box.close()
    assert not box.put(1)
    assert (box.dropped, box.discarded) == (1, 1)


def test_close_wakes_a_waiting_put():
    box = Mailbox(capacity=1, lossy=False)
    box.put(1)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(box.put(2)))
    thread.start()
    time.sleep(0.05)
    box.close(discard=True)
    thread.join(2)
    assert answers == [False]
    assert box.dropped == 2


def test_take_gives_up_after_its_time():
    started = time.monotonic()
    assert Mailbox().take(timeout_seconds=0.05) is None
    assert 0.04 < time.monotonic() - started < 1


def test_capacity_must_be_positive():
    with pytest.raises(ValueError, match="at least one"):
        Mailbox(capacity=0)


def test_every_item_of_many_threads_is_taken_or_counted():
    box = Mailbox(capacity=1, lossy=True)
    taken = []

    def consume():
        while (item := box.take()) is not None:
            taken.append(item)

    consumer = threading.Thread(target=consume)
    consumer.start()
    producers = [threading.Thread(target=lambda: [box.put(1) for _ in range(2000)]) for _ in range(3)]
    for thread in producers:
        thread.start()
    for thread in producers:
        thread.join()
    box.close()
    consumer.join(5)
    assert len(taken) + box.dropped == 6000
