"""A batch: processes every picture and video below a folder once, with several workers.

    source/  ─► find_jobs ─► jobs that the manifest does not have ─► workers ─► destination/ + a line in the manifest

Workers are processes of this machine (engine/jobs/processes.py) or actors of a Ray cluster (engine/jobs/batch_ray.py).
Each worker loads its own models. A file that cannot be read is reported and skipped; after any other failure,
including the death of a worker, the file is tried again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import in_order, is_hidden, sha256_of
from ..frame import readable_suffixes
from ..looks.building import settled
from ..looks.look import NO_STYLE, PLACES
from ..sources import VIDEO_SUFFIXES
from ..zoo.style import parse_mix
from ..zoo.zoo import MANIFEST
from .job import Job, plan_jobs
from .manifest import BatchManifest
from .work import Execute, Outcome, Work


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The result of a batch.

    Args:
        done: Files finished in this run.
        failed: Files that failed.
        skipped: Number of files that an earlier run had finished.
    """

    done: list[Outcome]
    failed: list[Outcome]
    skipped: int


def run_batch(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    work: Work,
    execute: Execute | None = None,
    again: bool = False,
    on_outcome: Callable[[Outcome, int, int], None] | None = None,
) -> BatchResult:
    """Processes every picture and video below a folder.

    Args:
        source: Folder; its subfolders are kept.
        destination: Folder for the results and the manifest; created if missing.
        work: Look, options, and number of workers.
        execute: Runs the jobs; by default in processes of this machine.
        again: Process every file again, ignoring the manifest.
        on_outcome: Called after each file with its outcome, the number of finished files, and the total.

    Returns:
        Finished files, failed files, and the number that an earlier run had finished.

    Raises:
        InputError: The folder is missing or contains no pictures or videos.
        UsageError: Two files have the same output, or a result would overwrite its input.
        ProviderError: The provider is not available.

    Example:
        >>> work = Work(Look("udnie"), workers=2)
        >>> result = run_batch("photos", "paintings", work=work)
    """
    from .processes import in_processes

    folder, target = Path(source).resolve(), Path(destination).resolve()
    jobs = find_jobs(folder, target)
    work = replace(work, look=settled(work.look))
    if work.look.style is not None and work.look.style != NO_STYLE:
        work.look.zoo.mix(work.look.style)  # an unknown style is reported before any worker starts
    manifest = BatchManifest(folder, target, fingerprint(work))
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
    """The pictures and videos below a folder with their outputs; skips hidden files and the destination.

    Raises:
        InputError: The folder is missing or contains none.
        UsageError: Two files have the same output, or a result would overwrite its input.
    """
    if not source.is_dir():
        raise InputError(f"{source}: " + ("not a folder" if source.exists() else "no such folder"))
    jobs = []
    for folder in in_order([source, *(path for path in source.rglob("*") if path.is_dir())]):
        below = folder.relative_to(source)
        inside = destination != source and folder.is_relative_to(destination)
        if not inside and not any(part.startswith(".") for part in below.parts) and _has_media(folder):
            jobs += plan_jobs([str(folder)], str(destination / below))
    if not jobs:
        raise InputError(f"{source}: no pictures or videos below this folder")
    return jobs


def fingerprint(work: Work) -> str:
    """A hash of everything that affects the results: options, models and style files; 16 hexadecimal digits."""
    look = work.look
    parts = parse_mix(look.style) if isinstance(look.style, str) and look.style != NO_STYLE else []
    facts: dict[str, Any] = {
        option.name: str(getattr(look, option.name))
        for option in fields(look)
        if option.name not in PLACES | look.effects.keys()
    }
    facts |= {f"effect {name}": str(effect) for name, effect in look.effects.items()}
    facts |= {
        "style": str(dict(parts)),
        "style files": [sha256_of(name) for name, _ in parts if Path(name).suffix and Path(name).is_file()],
        "zoo": sha256_of(look.zoo.folder / MANIFEST) if (look.zoo.folder / MANIFEST).is_file() else None,
        "model": sha256_of(look.model) if Path(look.model).is_file() else look.model,
        "size": str(work.size),
        "keep metadata": work.keep_metadata,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _has_media(folder: Path) -> bool:
    suffixes = readable_suffixes() | VIDEO_SUFFIXES
    return any(
        path.suffix.lower() in suffixes and path.is_file() and not is_hidden(path)
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
