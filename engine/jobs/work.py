"""The work of a batch's workers, the outcome for a file, and one attempt at a job."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..errors import ArtrtError, InputError, UsageError
from ..looks.look import Look
from ..looks.stylizer import Stylizer
from ..sessions.limits import usable_cores
from ..sources import Size
from .job import Done, Job, run_job
from .paint_file import Painter

GPU_PROVIDERS = frozenset({"cuda", "tensorrt"})


@dataclass(frozen=True, slots=True)
class Work:
    """The options of a batch, for every worker and file.

    Args:
        look: How the pictures are painted, and where the models run.
        size: Scale the input first.
        keep_metadata: Keep dates, place, camera and title.
        workers: Number of parallel workers.
        retries: How often a file is tried again after a failure that the file did not cause.
    """

    look: Look = field(default_factory=Look)
    size: Size | None = None
    keep_metadata: bool = True
    workers: int = 1
    retries: int = 2

    def open(self) -> Stylizer:
        """Loads the models of one worker."""
        return Stylizer(self.look)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome for one file.

    Args:
        job: The file.
        done: The result, or None if it failed.
        error: Why it failed, in one line, else "".
        attempts: How often it was tried.
        worker: Process id of the worker.
    """

    job: Job
    done: Done | None = None
    error: str = ""
    attempts: int = 1
    worker: int = 0


Execute = Callable[[Sequence[Job], Work], Iterator[Outcome]]
"""Runs jobs in any order and yields an outcome for each."""


def shared_out(work: Work, jobs: int) -> Work:
    """Limits the workers to the number of jobs, and divides this machine's cores among them."""
    workers = max(1, min(work.workers, jobs))
    threads = work.look.threads or max(1, usable_cores() // workers)
    return replace(work, workers=workers, look=replace(work.look, threads=threads))


def default_workers(provider: str) -> int:
    """One worker per core; only one worker for a GPU."""
    return 1 if provider in GPU_PROVIDERS else usable_cores()


def attempt(job: Job, painter: Painter, work: Work, *, attempts: int = 0) -> Outcome:
    """Runs one job in a worker; tries again after a failure that the file did not cause.

    Args:
        job: The job.
        painter: The worker's models.
        work: Look and options.
        attempts: Number of earlier tries by workers that died.
    """
    for number in range(attempts + 1, work.retries + 2):
        try:
            done = run_job(job, painter, size=work.size, keep_metadata=work.keep_metadata)
            return Outcome(job, done, attempts=number, worker=os.getpid())
        except (InputError, UsageError) as error:
            return Outcome(job, error=str(error), attempts=number, worker=os.getpid())
        except (ArtrtError, OSError, RuntimeError) as error:
            message = f"{job.input}: {error}"
    return Outcome(job, error=message, attempts=number, worker=os.getpid())
