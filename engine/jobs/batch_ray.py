"""Runs a batch on a Ray cluster: workers are actors, fed by Ray Data.

Every actor loads its own models. Ray restarts a dead actor and gives it the same file again. All machines must see the
two folders under the same paths.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import MissingExtraError
from .job import Done, Job
from .work import Outcome, Work, attempt, shared_out

MOST_BLOCKS = 4096
"""Maximum number of blocks that the files are divided into; with fewer files, every file is a block."""


class RayPainter:
    """One actor: maps a row with a job to a row with its outcome."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._painter = work.open()

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Runs one job."""
        job = Job(Path(row["input"]), Path(row["output"]), row["kind"])
        outcome = attempt(job, self._painter, self._work)
        done = {} if outcome.done is None else asdict(outcome.done)
        if outcome.done is not None:
            done["notes"] = "\n".join(outcome.done.notes)  # rows contain only plain values
        facts = {"error": outcome.error, "attempts": outcome.attempts, "worker": outcome.worker}
        return {"index": row["index"], **facts, **_EMPTY, **done}


_NUMBERS = {"width": 0, "height": 0, "frames": 0, "seconds": 0.0}
_EMPTY = {"input": "", "output": "", "kind": "picture", **_NUMBERS, "notes": ""}


def in_ray(jobs: Sequence[Job], work: Work) -> Iterator[Outcome]:
    """Runs jobs in `work.workers` actors of the cluster at $RAY_ADDRESS, else of a local one.

    Args:
        jobs: The jobs.
        work: Look and options; an actor gets `threads` cores.

    Yields:
        An outcome for each job, as they finish.

    Raises:
        MissingExtraError: Ray is not installed.
        ArtrtError: The models cannot be opened: no such style, provider or file.
    """
    work = shared_out(work, len(jobs))
    work.open().close()  # wrong options fail here, not in every actor of a cluster
    ray = _start(work)
    try:
        left = dict(enumerate(jobs))
        for row in _rows(ray, jobs, work):
            yield _outcome(left.pop(int(row["index"])), row)
        for job in left.values():
            yield Outcome(job, error=f"{job.input}: its worker died {work.retries + 1} times")
    finally:
        ray.shutdown()


def _start(work: Work) -> Any:
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault(
        "RAY_worker_niceness", "0"
    )  # the default: other processes on the machine have priority
    try:
        import ray.data
    except ImportError as error:
        raise MissingExtraError("artrt batch --ray", package="ray", extra="batch") from error
    cores = None if os.environ.get("RAY_ADDRESS") else work.workers * (work.look.threads or 1)
    ray.init(num_cpus=cores, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_errored_blocks = -1  # a file that kills its worker repeatedly must not end the batch
    return ray


def _rows(ray: Any, jobs: Sequence[Job], work: Work) -> Iterator[dict[str, Any]]:
    items = [
        {"index": index, "input": str(job.input), "output": str(job.output), "kind": job.kind}
        for index, job in enumerate(jobs)
    ]
    data = ray.data.from_items(items, override_num_blocks=min(len(items), MOST_BLOCKS))
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", category=DeprecationWarning
        )  # Ray offers no other way to limit retries yet
        painted = data.map(
            RayPainter,
            fn_constructor_args=(work,),
            compute=ray.data.ActorPoolStrategy(size=work.workers),
            num_cpus=work.look.threads or 1,
            ray_remote_args_fn=lambda: {"max_restarts": -1, "max_task_retries": work.retries},
        )
    yield from painted.iter_rows()


def _outcome(job: Job, row: dict[str, Any]) -> Outcome:
    attempts, worker = int(row["attempts"]), int(row["worker"])
    if row["error"]:
        return Outcome(job, error=row["error"], attempts=attempts, worker=worker)
    width, height, frames = (int(row[name]) for name in ("width", "height", "frames"))
    notes = tuple(str(row["notes"]).splitlines())
    done = Done(
        str(job.input), str(job.output), job.kind, width, height, frames, float(row["seconds"]), notes
    )
    return Outcome(job, done, attempts=attempts, worker=worker)
