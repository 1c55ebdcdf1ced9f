from __future__ import annotations

import asyncio

import pytest

from artrt.engine.studio.turns import Turns


def order(calls: list[str], *, places: int = 1, cancelled: str = "") -> list[str]:
    """In which order calls come through that all wait behind one other."""

    async def main() -> list[str]:
        turns, through = Turns(places), []

        async def call(name: str) -> None:
            async with turns.of(name[0]):
                through.append(name)
                await asyncio.sleep(0)

        async with turns.of("first"):
            if places > 1:
                return through
            tasks = {name: asyncio.create_task(call(name)) for name in calls}
            await asyncio.sleep(0)
            assert len(turns) == len(calls)
            if cancelled:
                tasks[cancelled].cancel()
                await asyncio.sleep(0)
        await asyncio.wait(tasks.values())
        assert len(turns) == 0
        async with turns.of("z"):
            return through

    return asyncio.run(main())


def test_visitors_take_turns():
    assert order(["a1", "a2", "a3", "b1", "c1", "c2"]) == ["a1", "b1", "c1", "a2", "c2", "a3"]


@pytest.mark.parametrize("cancelled", ["a1", "b1", "a2"])
def test_one_who_gives_up_blocks_nobody(cancelled):
    names = ["a1", "a2", "b1", "b2"]
    assert sorted(order(names, cancelled=cancelled)) == sorted(set(names) - {cancelled})


def test_one_who_gives_up_just_when_called_blocks_nobody():
    async def main() -> bool:
        turns = Turns()
        async with turns.of("a"):
            waiting = asyncio.create_task(turns.of("b").__aenter__())
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        async with asyncio.timeout(1) if hasattr(asyncio, "timeout") else turns.of("c"):
            return True

    assert asyncio.run(main())
