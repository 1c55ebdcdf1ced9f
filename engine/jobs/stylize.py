"""Paints files: `artrt.stylize`, and running several jobs in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..errors import ArtrtError
from ..looks.amounts import AMOUNT_CONTROLS
from ..looks.look import DEFAULT_STYLE, Look, look_of
from ..looks.stylizer import Stylizer
from ..sessions.limits import usable_cores
from ..sources import Size, open_source
from ..zoo.artefact import Artefact
from .job import Done, Job, OnProgress, plan_jobs, run_job
from .paint_file import Painter

Path = str | os.PathLike[str]

# Painting one frame on each core is a quarter faster than all cores on one frame (benchmarks/results/end_to_end.json).
MOST_AT_ONCE = 4
# Pixels of a frame; painting a larger one takes hundreds of megabytes.
LARGEST_AT_ONCE = 1920 * 1088


def stylize(
    inputs: Path | Sequence[Path],
    output: Path,
    style: Path | Look = DEFAULT_STYLE,
    *,
    size: str | Size | None = None,
    keep_metadata: bool = True,
    on_progress: OnProgress | None = None,
    **look: Any,
) -> list[Done]:
    """Paints pictures, folders, globs and videos; keeps audio and transparency.

    Args:
        inputs: Files, folders or globs.
        output: A file; a folder for several inputs.
        style: Name, mix ("starry-night:0.7+udnie:0.3"), style file, a folder of `artrt export`, or a `Look`.
        size: Scale the input first: "720" for the short side in pixels, or "1280x720".
        keep_metadata: Keep dates, place, camera and title.
        on_progress: Called with the finished amount and the total or None: files, or frames of a single video.
        look: Other fields of `Look` by name: strength, stabilize, quantize, provider, …

    Returns:
        One finished job for each input.

    Raises:
        InputError: An input is missing or cannot be read.
        UsageError: The output does not fit the inputs, or there is no such style.
        OutputError: The output cannot be written.

    Example:
        >>> artrt.stylize("clip.mp4", "painting.mp4", "udnie", strength=0.8)
    """
    given = [inputs] if isinstance(inputs, (str, os.PathLike)) else inputs
    jobs = plan_jobs([os.fspath(path) for path in given], os.fspath(output))
    scale = Size.parse(size) if isinstance(size, str) else size
    with Stylizer(look_for(jobs, look_of(style, **look), size=scale)) as stylizer:
        return run_jobs(jobs, stylizer, size=scale, keep_metadata=keep_metadata, on_progress=on_progress)


def look_for(jobs: Sequence[Job], look: Look, *, size: Size | None = None) -> Look:
    """The look with `steady` and `at_once` as these jobs need them.

    Args:
        jobs: What will be done.
        look: How the pictures will look.
        size: The inputs are scaled to it first.
    """
    videos = [job.input for job in jobs if job.kind == "video"]
    at_once = look.at_once or 1
    if look.at_once is None and videos and len(videos) == len(jobs) and not _needs_order(look):
        cores = look.threads or usable_cores()
        at_once = min(cores, MOST_AT_ONCE) if all(_is_small(path, size) for path in videos) else 1
    return replace(look, steady=bool(videos), at_once=at_once)


def _needs_order(look: Look) -> bool:
    """Whether the look has an effect that needs the frame before."""
    parts = set(look.effects)
    if look.engine is not None:  # an exported file is named after its stages
        parts.update(*(path.stem.split("+") for path in Artefact.open(look.engine).stage_paths))
    return not parts.isdisjoint(AMOUNT_CONTROLS)


def _is_small(video: os.PathLike[str], size: Size | None) -> bool:
    """Whether several frames of a video fit into memory; False for one that cannot be read."""
    try:
        source = open_source(video, frames="all")
    except ArtrtError:
        return False  # the job reports it
    info = source.info
    source.close()
    if not info.width or not info.height:
        return False
    width, height = size.of(info.width, info.height) if size is not None else (info.width, info.height)
    return width * height <= LARGEST_AT_ONCE


def run_jobs(
    jobs: Sequence[Job],
    painter: Painter,
    *,
    size: Size | None = None,
    keep_metadata: bool = True,
    on_progress: OnProgress | None = None,
    on_failure: Callable[[Job, ArtrtError], None] | None = None,
) -> list[Done]:
    """Runs jobs in order.

    Args:
        jobs: What to do.
        painter: Paints the pictures; it is reset before each job.
        size: Scale the inputs first.
        keep_metadata: Keep dates, place, camera and title.
        on_progress: Called with the finished amount and the total or None: jobs, or frames of a single job.
        on_failure: Called with the job and its error if one of several fails; the others continue. None: the error
            ends all jobs.

    Raises:
        ArtrtError: The only job failed, or one failed and `on_failure` is None.
    """
    if len(jobs) == 1:
        (job,) = jobs
        return [run_job(job, painter, size=size, keep_metadata=keep_metadata, on_frame=on_progress)]
    done: list[Done] = []
    for number, job in enumerate(jobs):
        within = None if on_progress is None else partial(_within, on_progress, number, len(jobs))
        if within is not None:
            within(0, 1)
        try:
            done.append(run_job(job, painter, size=size, keep_metadata=keep_metadata, on_frame=within))
        except ArtrtError as error:
            if on_failure is None:
                raise
            on_failure(job, error)
    return done


def _within(on_progress: OnProgress, number: int, jobs: int, frames: float, total: float | None) -> None:
    """Reports progress inside one of several jobs."""
    on_progress(number + (min(frames / total, 1) if total else 0), jobs)
