"""`artrt stylize`: pictures, folders and videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from ..engine.errors import ArtrtError
from ..engine.jobs.job import Done, Job
from ..engine.jobs.paint_file import Painter
from ..engine.jobs.stylize import look_for, run_jobs
from ..engine.looks.look import Look
from ..engine.looks.stylizer import Stylizer
from ..engine.sources import Size
from ._files import Facts, file_arguments, planned_jobs, tell_results
from ._options import json_option, look_options, metadata_option, size_option
from ._report import notice, progress, tell_about_weights, tell_notes


@click.command(name="stylize")
@file_arguments
@look_options
@size_option
@metadata_option
@json_option
def command(
    inputs: tuple[str, ...], output: str, look: Look, size: str | None, keep_metadata: bool, as_json: bool
) -> None:
    r"""Stylise pictures, folders, globs and videos; "-" is the standard input or output.

    \b
    artrt stylize photo.jpg -o painting.jpg --style starry-night
    artrt stylize clip.mp4 -o painting.mp4 --style starry-night:0.7+udnie:0.3
    artrt stylize photos/ *.png -o paintings/ --strength 0.8 --size 720
    artrt stylize - -o - --style udnie < photo.jpg > painting.jpg
    """
    jobs = planned_jobs(inputs, output, as_json=as_json)
    scale = None if size is None else Size.parse(size)
    look = look_for(jobs, look, size=scale)
    tell_about_weights(look)
    with Stylizer(look) as stylizer:
        notice(_where(stylizer))
        failed: dict[Job, str] = {}
        done = run_all(jobs, stylizer, size=scale, keep_metadata=keep_metadata, failed=failed)
        style, provider = stylizer.style, stylizer.provider
    facts: list[Facts] = [_described(result, style=style, provider=provider) for result in done]
    facts += [{"input": str(job.input), "error": why} for job, why in failed.items()]
    tell_results(facts, _line, jobs=len(jobs), as_json=as_json)


def run_all(
    jobs: Sequence[Job],
    painter: Painter,
    *,
    size: Size | None = None,
    keep_metadata: bool = True,
    failed: dict[Job, str] | None = None,
) -> list[Done]:
    """Runs all jobs with a progress bar; if one of several fails, it is reported, noted in `failed` and skipped.

    Raises:
        ArtrtError: The only job failed.
    """

    def skip(job: Job, error: ArtrtError) -> None:
        notice(f"skipped: {error}")
        if failed is not None:
            failed[job] = str(error)

    name = jobs[0].input.name if len(jobs) == 1 else f"{len(jobs)} files"
    with progress(name) as advance:
        done = run_jobs(
            jobs,
            painter,
            size=size,
            keep_metadata=keep_metadata,
            on_progress=advance,
            on_failure=skip,
        )
    return [tell_notes(result) for result in done]


def _where(stylizer: Stylizer) -> str:
    if not stylizer.chain.stages:
        return "no style and no effect: inputs are only scaled and encoded again"
    return f"runs on {stylizer.provider} ({stylizer.reason})"


def _described(result: Done, *, style: str, provider: str) -> dict[str, object]:
    return {**asdict(result), "fps": result.fps, "style": style, "provider": provider}


def _line(result: Facts) -> str:
    took = f"{result['seconds']:.2f} s"
    if result["kind"] == "video":
        return f"{result['frames']} frames, {took}, {result['fps']:.1f} frames/s"
    return took
