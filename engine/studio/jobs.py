"""Background jobs: they wait in turns, report progress, and can be cancelled."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ArtrtError, InputError
from .turns import Turns
from .visitors import NoRoomError, Visitor

KEPT_JOBS = 50


@dataclass(slots=True)
class Job:
    """One job of a visitor.

    Args:
        id: A generated id.
        kind: "photos", "video" or "style".
        title: Title on the page.
        visitor: Its owner.
        state: "waiting", "running", "done", "failed" or "cancelled".
        share: Progress, 0 to 1.
        started: Start time.
        ended: End time.
        error: Message of a failed job.
        path: The result file.
        name: File name of the download.
        media_type: Media type of the download.
        facts: Further information for the page.
        sample: The newest sample picture, JPEG; empty if there is none.
    """

    id: str
    kind: str
    title: str
    visitor: Visitor
    state: str = "waiting"
    share: float = 0.0
    started: float = 0.0
    ended: float = 0.0
    error: str = ""
    path: Path | None = None
    name: str = ""
    media_type: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    sample: bytes = b""
    stop: Callable[[], None] | None = None
    task: asyncio.Task[None] | None = None

    def is_cancelled(self) -> bool:
        """Whether the visitor cancelled it."""
        return self.state == "cancelled"

    def describe(self) -> dict[str, Any]:
        """The job as JSON for the page."""
        return {
            "id": self.id,
            "kind": self.kind,
            "title": self.title,
            "state": self.state,
            "share": round(self.share, 3),
            "seconds_left": self._seconds_left(),
            "error": self.error,
            "name": self.name,
            **self.facts,
        }

    def _seconds_left(self) -> float | None:
        if self.state != "running" or self.share < 0.02:
            return None
        return round((time.monotonic() - self.started) * (1 - self.share) / self.share, 1)


Work = Callable[[Job], Awaitable[None]]
"""Runs a job: sets `share` while it runs, and `path`, `name` and `media_type` at the end."""


class Jobs:
    """All jobs.

    Args:
        each: Limit of waiting and running jobs per visitor.
        turns: Queue by kind of job.
    """

    def __init__(self, *, each: int, turns: dict[str, Turns]) -> None:
        self._each = each
        self._turns = turns
        self._all: dict[str, Job] = {}

    def start(self, visitor: Visitor, kind: str, *, title: str, work: Work, **facts: Any) -> Job:
        """Puts a job into the queue.

        Raises:
            NoRoomError: The visitor has too many jobs.
        """
        busy = [job for job in self.of(visitor) if job.state in ("waiting", "running")]
        if len(busy) >= self._each:
            raise NoRoomError(f"at most {self._each} jobs at once: wait for one or cancel it")
        job = Job(secrets.token_urlsafe(9), kind, title, visitor, facts=facts)
        self._all[job.id] = job
        self._forget_old(visitor)
        job.task = asyncio.get_running_loop().create_task(self._run(job, work))
        return job

    def of(self, visitor: Visitor) -> list[Job]:
        """A visitor's jobs, oldest first."""
        return [job for job in self._all.values() if job.visitor is visitor]

    def get(self, visitor: Visitor, number: str) -> Job:
        """One of a visitor's jobs.

        Raises:
            InputError: The visitor has no such job.
        """
        job = self._all.get(number)
        if job is None or job.visitor is not visitor:
            raise InputError("no such job")
        return job

    def cancel(self, job: Job) -> None:
        """Stops a waiting or running job; removes an ended one with its file."""
        if job.state in ("waiting", "running"):
            job.state = "cancelled"
            if job.stop is not None:
                job.stop()
            elif job.task is not None:
                job.task.cancel()
            return
        self._all.pop(job.id, None)
        if job.path is not None:
            job.path.unlink(missing_ok=True)

    def cancel_all(self) -> list[asyncio.Task[None]]:
        """Stops all jobs; returns the tasks that are still ending."""
        for job in list(self._all.values()):
            if job.state in ("waiting", "running"):
                self.cancel(job)
        return [job.task for job in self._all.values() if job.task is not None and not job.task.done()]

    async def _run(self, job: Job, work: Work) -> None:
        try:
            async with self._turns[job.kind].of(job.visitor.id):
                if job.state == "cancelled":
                    return
                job.state, job.started = "running", time.monotonic()
                await work(job)
                job.state, job.share = "done" if job.state == "running" else job.state, 1.0
        except asyncio.CancelledError:
            job.state = "cancelled"
        except ArtrtError as error:
            if job.state != "cancelled":
                job.state, job.error = "failed", str(error)
        except OSError as error:
            job.state, job.error = "failed", error.strerror or "the file cannot be written"
        finally:
            job.ended = time.monotonic()
            if job.state != "done" and job.path is not None:
                job.path.unlink(missing_ok=True)

    def _forget_old(self, visitor: Visitor) -> None:
        ended = [job for job in self.of(visitor) if job.state not in ("waiting", "running")]
        for job in ended[: max(0, len(ended) - KEPT_JOBS)]:
            self.cancel(job)
