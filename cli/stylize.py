"""`artrt stylize`: pictures, folders and videos."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

import click

from ..engine.errors import ArtrtError, InputError
from ..engine.jobs.job import Done, Job, Painter, plan, run_job
from ..engine.looks.look import NO_STYLE, ChainOptions, Effect, build_chain, of_artefact
from ..engine.sources import Size
from ..engine.stages.chain import Chain
from ..engine.zoo.style import normalise_weights, parse_mix
from ._common import (
    Advance,
    echo_json,
    given,
    json_option,
    look_options,
    notice,
    progress,
    provider_option,
    tell_notes,
    threads_option,
)


@click.command(name="stylize")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("--output", "-o", required=True, metavar="OUTPUT", help="A file; for several inputs a folder.")
@look_options
@click.option(
    "--size", metavar="SHORT|WxH", help="Scale the input first: short side in pixels, or width x height."
)
@provider_option
@threads_option
@json_option
def command(
    inputs: tuple[str, ...],
    output: str,
    style: str,
    model: str,
    strength: float,
    keep_salient: float,
    quantize: str | None,
    superpixels: str | None,
    engine: str | None,
    size: str | None,
    provider: str,
    threads: int | None,
    as_json: bool,
) -> None:
    r"""Stylise pictures, folders, globs and videos.

    \b
    artrt stylize photo.jpg -o painting.jpg --style starry-night
    artrt stylize clip.mp4 -o painting.mp4 --style starry-night:0.7+udnie:0.3
    artrt stylize photos/ *.png -o paintings/ --strength 0.8 --size 720
    """
    jobs = plan(inputs, output)
    options = ChainOptions(
        style=style,
        model=model,
        strength=strength,
        keep_salient=keep_salient,
        quantize=None if quantize is None else Effect.parse(quantize),
        superpixels=None if superpixels is None else Effect.parse(superpixels),
        provider=provider,
        threads=threads,
        steady=any(job.kind == "video" for job in jobs),
    )
    if engine is not None:
        options = of_artefact(options, folder=engine, style=given("style", style))
        style = options.style
    scale = None if size is None else Size.parse(size)
    _tell_about_weights(style)
    with build_chain(options) as chain:
        notice(_where(chain))
        done = run_all(jobs, chain, size=scale)
        provider = chain.provider
    if as_json:
        echo_json([_described(result, style=style, provider=provider) for result in done])
    else:
        for result in done:
            click.echo(_line(result))
    if len(done) < len(jobs):
        raise InputError(f"{len(jobs) - len(done)} of {len(jobs)} inputs could not be done")


def run_all(jobs: list[Job], chain: Painter, *, size: Size | None = None) -> list[Done]:
    """Does all jobs with a progress bar; among several, one that fails is reported and left out.

    Raises:
        ArtrtError: The only job failed.
    """
    if len(jobs) == 1:
        with progress(jobs[0].input.name) as advance:
            return [tell_notes(run_job(jobs[0], chain, size=size, on_frame=advance))]
    done: list[Done] = []
    with progress(f"{len(jobs)} files") as advance:
        for number, job in enumerate(jobs):
            advance(number, len(jobs))
            within = partial(_within, advance, number, len(jobs))
            try:
                done.append(tell_notes(run_job(job, chain, size=size, on_frame=within)))
            except ArtrtError as error:
                notice(f"skipped: {error}")
    return done


def _within(advance: Advance, number: int, jobs: int, frames: float, total: float | None) -> None:
    """Progress inside one of several jobs."""
    advance(number + (min(frames / total, 1) if total else 0), jobs)


def _where(chain: Chain) -> str:
    if not chain.stages:
        return "no style and no effect: inputs are only scaled and encoded anew"
    return f"runs on {chain.provider} ({chain.reason})"


def _tell_about_weights(style: str) -> None:
    if style == NO_STYLE:
        return
    _, message = normalise_weights([weight for _, weight in parse_mix(style)])
    if message is not None:
        notice(message)


def _described(result: Done, *, style: str, provider: str) -> dict[str, object]:
    return {**asdict(result), "fps": result.fps, "style": style, "provider": provider}


def _line(result: Done) -> str:
    took = f"{result.seconds:.2f} s"
    if result.kind == "video":
        took = f"{result.frames} frames, {took}, {result.fps:.1f} frames/s"
    return f"{result.output}  {result.width}x{result.height}  {took}"
