"""Batch work whose workers die or fail on purpose; importable in spawned processes."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from artrt.engine.errors import OutputError
from artrt.engine.jobs.work import Work


class Faulty:
    """Inverts pictures; `times` times, counted in a file, it kills its process or raises instead."""

    def __init__(self, counter: Path, times: int, *, kills: bool) -> None:
        self.counter, self.times, self.kills = counter, times, kills

    def __call__(self, image):
        count = len(self.counter.read_bytes()) if self.counter.exists() else 0
        if image.max() > 200 and count < self.times:
            with self.counter.open("ab") as file:
                file.write(b"x")
            if self.kills:
                os.kill(os.getpid(), signal.SIGKILL)
            raise OutputError("the disk was full for a moment")
        return 255 - image

    def reset(self) -> None:
        """Nothing is remembered."""

    def __enter__(self):
        return self

    def __exit__(self, *error) -> None:
        pass


@dataclass(frozen=True)
class FaultyWork(Work):
    """Work done by `Faulty`."""

    counter: str = ""
    times: int = 0
    kills: bool = True

    def open(self):
        """The faulty worker."""
        return Faulty(Path(self.counter), self.times, kills=self.kills)
