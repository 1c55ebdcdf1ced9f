"""A batch: every picture and video below a folder, done once, by several workers.

    source/  ─► find_jobs ─► jobs that the manifest does not have ─► workers ─► destination/ + a line in the manifest

Workers are processes of this machine (engine/batch_processes.py) or actors of a Ray cluster (engine/batch_ray.py).
Each holds its own models. A file that cannot be read is reported and left out; anything else that goes wrong, the
death of a worker included, is tried again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from .batch_manifest import BatchManifest
from .chains import NO_STYLE, ChainOptions, build_chain
from .errors import ArtrtError, InputError, UsageError
from .files import sha256_of
from .frame import IMAGE_SUFFIXES
from .jobs import Done, Job, plan, run_job
from .providers import usable_cores
from .sources import VIDEO_SUFFIXES, Size
from .stages import Chain
from .styles import SUFFIX, parse_mix
from .zoo import MANIFEST

GPU_PROVIDERS = frozenset({"cuda", "tensorrt"})


@dataclass(frozen=True, slots=True)
class Work:
    """What every worker does with every file.

    Args:
        chain: What the pictures become, and where the models run.
        size: Scale the input first.
        workers: How many work at once.
        retries: How often a file is tried again after a failure that is not the file's own.
    """

    chain: ChainOptions = field(default_factory=lambda: ChainOptions(style="starry-night"))
    size: Size | None = None
    workers: int = 1
    retries: int = 2

    def open(self) -> Chain:
        """The models of one worker."""
        return build_chain(self.chain)


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


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch.

    Args:
        done: Files done in this run.
        failed: Files that could not be done.
        skipped: How many files an earlier run had done.
    """

    done: list[Outcome]
    failed: list[Outcome]
    skipped: int


Execute = Callable[[Sequence[Job], Work], Iterator[Outcome]]
"""Does jobs in any order and yields an outcome for each."""


def run_batch(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    work: Work,
    execute: Execute | None = None,
    again: bool = False,
    on_outcome: Callable[[Outcome, int, int], None] | None = None,
) -> BatchResult:
    """Does every picture and video below a folder.

    Args:
        source: Folder; its subfolders are kept.
        destination: Folder for the results and the manifest, made when it is missing.
        work: What to do, and by how many workers.
        execute: Who does it: processes of this machine by default.
        again: Do everything again, whatever the manifest says.
        on_outcome: Called after each file with its outcome, the number of files done, and their total.

    Returns:
        What was done, what failed, and how much an earlier run had done.

    Raises:
        InputError: The folder is missing or has nothing to do.
        UsageError: Two files would become one, or a result would overwrite its input.
        ProviderError: The provider is not available.

    Example:
        >>> work = Work(ChainOptions(style="udnie"), workers=2)
        >>> result = run_batch("photos", "paintings", work=work)
    """
    from .batch_processes import in_processes

    folder, target = Path(source).resolve(), Path(destination).resolve()
    jobs = find_jobs(folder, target)
    manifest = BatchManifest(folder, target, look(work))
    finished = set() if again else manifest.finished()
    waiting = [job for job in jobs if job.input not in finished]
    manifest.end_last_line()
    outcomes = []
    for outcome in (execute or in_processes)(waiting, work) if waiting else ():
        manifest.add(outcome.job.input, outcome.job.output, **_facts(outcome))
        outcomes.append(outcome)
        if on_outcome is not None:
            on_outcome(outcome, len(outcomes), len(waiting))
    return BatchResult(
        done=[outcome for outcome in outcomes if outcome.done is not None],
        failed=[outcome for outcome in outcomes if outcome.done is None],
        skipped=len(jobs) - len(waiting),
    )


def find_jobs(source: Path, destination: Path) -> list[Job]:
    """The pictures and videos below a folder, and what each becomes; hidden files and the destination are left out.

    Raises:
        InputError: The folder is missing or holds none.
        UsageError: Two files would become one, or a result would overwrite its input.
    """
    if not source.is_dir():
        raise InputError(f"{source}: " + ("not a folder" if source.exists() else "no such folder"))
    jobs = []
    for folder in sorted([source, *(path for path in source.rglob("*") if path.is_dir())]):
        below = folder.relative_to(source)
        inside = destination != source and folder.is_relative_to(destination)
        if not inside and not any(part.startswith(".") for part in below.parts) and _has_media(folder):
            jobs += plan([str(folder)], str(destination / below))
    if not jobs:
        raise InputError(f"{source}: no pictures or videos below this folder")
    return jobs


def look(work: Work) -> str:
    """A fingerprint of everything that decides what a picture becomes: options, models and style files."""
    chain = work.chain
    parts = parse_mix(chain.style) if chain.style != NO_STYLE else []
    facts = {
        "style": dict(parts),
        "style_files": [
            sha256_of(name) for name, _ in parts if name.endswith(SUFFIX) and Path(name).is_file()
        ],
        "zoo": sha256_of(chain.zoo.folder / MANIFEST) if (chain.zoo.folder / MANIFEST).is_file() else None,
        "model": sha256_of(chain.model) if Path(chain.model).is_file() else chain.model,
        "effects": [
            None if effect is None else asdict(effect) for effect in (chain.quantize, chain.superpixels)
        ],
        "amounts": [chain.strength, chain.keep_salient],
        "size": None if work.size is None else str(work.size),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def shared_out(work: Work, jobs: int) -> Work:
    """The same with no more workers than jobs, and this machine's cores divided among them."""
    workers = max(1, min(work.workers, jobs))
    threads = work.chain.threads or max(1, usable_cores() // workers)
    return replace(work, workers=workers, chain=replace(work.chain, threads=threads))


def default_workers(provider: str) -> int:
    """One worker for each core; a GPU is not shared."""
    return 1 if provider in GPU_PROVIDERS else usable_cores()


def attempt(job: Job, chain: Chain, work: Work, *, attempts: int = 0) -> Outcome:
    """Does one job in a worker, again after a failure that is not the file's own.

    Args:
        job: The job.
        chain: The worker's models.
        work: What to do.
        attempts: How often it was tried before, by workers that died.
    """
    for number in range(attempts + 1, work.retries + 2):
        try:
            return Outcome(job, run_job(job, chain, size=work.size), attempts=number, worker=os.getpid())
        except (InputError, UsageError) as error:
            return Outcome(job, error=str(error), attempts=number, worker=os.getpid())
        except (ArtrtError, OSError, RuntimeError) as error:
            message = f"{job.input}: {error}"
    return Outcome(job, error=message, attempts=number, worker=os.getpid())


def _has_media(folder: Path) -> bool:
    suffixes = IMAGE_SUFFIXES | VIDEO_SUFFIXES
    return any(
        path.suffix.lower() in suffixes and path.is_file() and not path.name.startswith(".")
        for path in folder.iterdir()
    )


def _facts(outcome: Outcome) -> dict[str, Any]:
    about: dict[str, Any] = {"attempts": outcome.attempts, "worker": outcome.worker}
    if outcome.done is None:
        return about | {"error": outcome.error}
    done = outcome.done
    return about | {
        "width": done.width,
        "height": done.height,
        "frames": done.frames,
        "seconds": round(done.seconds, 4),
        **({"notes": done.notes} if done.notes else {}),
    }
