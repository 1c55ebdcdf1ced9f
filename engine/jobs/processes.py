"""Runs a batch in processes of this machine: each does one file at a time; a dead process is replaced.

parent ── Work ─► worker: opens its models ── Ready or the error ─►
       ── Job ──► does it ── Outcome ─►  (end of the pipe: the worker ends, or the parent is gone)
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from ..errors import ArtrtError, error_of
from .job import Job
from .work import Outcome, Work, attempt, shared_out

END_SECONDS = 5.0


@dataclass
class _Try:
    """A job, and how many workers died while doing it."""

    job: Job
    attempts: int = 0


@dataclass
class _Worker:
    """A process, the parent's end of its pipe, and its current job."""

    process: Any
    pipe: Connection
    doing: _Try | None = None
    ready: bool = False


@dataclass
class _Workers:
    """The running workers."""

    work: Work
    alive: list[_Worker] = field(default_factory=list)

    def start(self) -> None:
        """Starts one more worker."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, self.work), daemon=True)
        process.start()
        theirs.close()
        self.alive.append(_Worker(process, ours))

    def remove(self, worker: _Worker) -> None:
        """Removes a worker and its unfinished output."""
        self.alive.remove(worker)
        worker.pipe.close()
        worker.process.kill()
        worker.process.join(END_SECONDS)
        if worker.doing is not None:
            _remove_partial(worker.doing.job, worker.process.pid)

    def end(self) -> None:
        """Ends all workers: idle ones by closing their pipe, busy ones at once."""
        for worker in list(self.alive):
            self.remove(worker)


def in_processes(jobs: Sequence[Job], work: Work) -> Iterator[Outcome]:
    """Runs jobs in `work.workers` processes.

    Args:
        jobs: The jobs.
        work: Look and options; the cores are divided among the workers.

    Yields:
        An outcome for each job, as they finish.

    Raises:
        ArtrtError: A worker cannot open its models: no such style, provider or file.
    """
    work = shared_out(work, len(jobs))
    waiting = deque(_Try(job) for job in jobs)
    workers = _Workers(work)
    try:
        for _ in range(work.workers):
            workers.start()
        while waiting or any(worker.doing for worker in workers.alive):
            yield from _step(workers, waiting)
    finally:
        workers.end()


def _step(workers: _Workers, waiting: deque[_Try]) -> Iterator[Outcome]:
    """Waits for a message or the death of a worker, and gives it the next job."""
    ready = wait([worker.pipe for worker in workers.alive])
    for worker in [worker for worker in workers.alive if worker.pipe in ready]:
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            yield from _after_death(workers, worker, waiting)
            continue
        if isinstance(message, Outcome):
            worker.doing = None
            yield message
        elif message is not None:
            raise error_of(*message)
        worker.ready = True
        if waiting:
            worker.doing = waiting.popleft()
            try:
                worker.pipe.send((worker.doing.job, worker.doing.attempts))
            except ConnectionError:  # it died before it started this job
                worker.doing.attempts -= 1
                yield from _after_death(workers, worker, waiting)


def _after_death(workers: _Workers, worker: _Worker, waiting: deque[_Try]) -> Iterator[Outcome]:
    """Replaces a worker; puts its job back to the front, or reports it as failed after too many tries."""
    lost, was_ready = worker.doing, worker.ready
    workers.remove(worker)
    code = worker.process.exitcode
    if not was_ready:
        raise ArtrtError(f"a worker ended with code {code} while it loaded its models: try fewer --workers")
    if lost is not None:
        lost.attempts += 1
        if lost.attempts <= workers.work.retries:
            waiting.appendleft(lost)
        else:
            why = f"{lost.job.input}: its worker died {lost.attempts} times, last with code {code}"
            yield Outcome(lost.job, error=why, attempts=lost.attempts, worker=worker.process.pid or 0)
    if waiting:
        workers.start()


def _serve(pipe: Connection, work: Work) -> None:
    """The main function of a worker process."""
    for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
        signal.signal(number, signal.SIG_IGN)  # the parent handles them
    with contextlib.suppress(EOFError, ConnectionError):  # the parent has ended
        _do_jobs(pipe, work)


def _do_jobs(pipe: Connection, work: Work) -> None:
    try:
        painter = work.open()
    except ArtrtError as error:
        pipe.send((type(error).__name__, str(error)))
        return
    with painter:
        pipe.send(None)
        while True:
            job, attempts = pipe.recv()
            pipe.send(attempt(job, painter, work, attempts=attempts))


def _remove_partial(job: Job, pid: int | None) -> None:
    """Removes the temporary picture or video file of a killed process."""
    for path in job.output.parent.glob(f".artrt-*.partial-{pid}*"):
        path.unlink(missing_ok=True)
