"""What the workers of a batch do: the work, what became of a file, and one attempt at it."""

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
from .picture import Painter

GPU_PROVIDERS = frozenset({"cuda", "tensorrt"})


@dataclass(frozen=True, slots=True)
class Work:
    """What every worker does with every file.

    Args:
        look: What the pictures become, and where the models run.
        size: Scale the input first.
        keep_metadata: Keep dates, place, camera and title.
        workers: How many work at once.
        retries: How often a file is tried again after a failure that is not the file's own.
    """

    look: Look = field(default_factory=Look)
    size: Size | None = None
    keep_metadata: bool = True
    workers: int = 1
    retries: int = 2

    def open(self) -> Stylizer:
        """The models of one worker."""
        return Stylizer(self.look)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file.

    Args:
        job: The file.
        done: The result, or None when it failed.
        error: One line that says why it failed, else "".
        attempts: How often it was tried.
        worker: Process id of the worker.
    """

    job: Job
    done: Done | None = None
    error: str = ""
    attempts: int = 1
    worker: int = 0


Execute = Callable[[Sequence[Job], Work], Iterator[Outcome]]
"""Does jobs in any order and yields an outcome for each."""


def shared_out(work: Work, jobs: int) -> Work:
    """The same with no more workers than jobs, and this machine's cores divided among them."""
    workers = max(1, min(work.workers, jobs))
    threads = work.look.threads or max(1, usable_cores() // workers)
    return replace(work, workers=workers, look=replace(work.look, threads=threads))


def default_workers(provider: str) -> int:
    """One worker for each core; a GPU is not shared."""
    return 1 if provider in GPU_PROVIDERS else usable_cores()


def attempt(job: Job, painter: Painter, work: Work, *, attempts: int = 0) -> Outcome:
    """Does one job in a worker, again after a failure that is not the file's own.

    Args:
        job: The job.
        painter: The worker's models.
        work: What to do.
        attempts: How often it was tried before, by workers that died.
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
