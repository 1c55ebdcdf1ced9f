"""`artrt batch`: stylises every picture and video below a folder with several workers; can be continued."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from dataclasses import asdict, replace

import click

from ..engine.errors import InputError
from ..engine.jobs.batch import run_batch
from ..engine.jobs.work import Execute, Outcome, Work, default_workers
from ..engine.looks.look import Look
from ..engine.sources import Size
from ._files import tell_left_out
from ._options import json_option, look_options, metadata_option, size_option
from ._report import Advance, echo_json, notice, progress, tell_about_weights, tell_notes


@click.command(name="batch")
@click.argument("source", metavar="SRC")
@click.argument("destination", metavar="DST")
@look_options
@size_option
@metadata_option
@click.option(
    "--workers", "-j", type=click.IntRange(1, 1024), metavar="N", help="Number of parallel workers."
)
@click.option(
    "--retries",
    type=click.IntRange(0, 100),
    default=2,
    show_default=True,
    help="Further tries after a failure.",
)
@click.option("--again", is_flag=True, help="Process every file again, ignoring the manifest.")
@click.option("--ray", "use_ray", is_flag=True, help="Use a Ray cluster: $RAY_ADDRESS, else a local one.")
@json_option
def command(
    source: str,
    destination: str,
    look: Look,
    size: str | None,
    keep_metadata: bool,
    workers: int | None,
    retries: int,
    again: bool,
    use_ray: bool,
    as_json: bool,
) -> None:
    r"""Stylise every picture and video below a folder with several workers; a second run continues the first.

    \b
    artrt batch photos/ paintings/ --style starry-night
    artrt batch photos/ paintings/ --style udnie --size 720 --workers 4
    artrt batch /shared/photos /shared/paintings --ray --workers 32
    """
    tell_about_weights(look)
    tell_left_out([source])
    scale = None if size is None else Size.parse(size)
    work = Work(
        replace(look, steady=False),
        scale,
        keep_metadata=keep_metadata,
        workers=workers or default_workers(look.provider),
        retries=retries,
    )
    with progress(source) as advance, _only_json_on_stdout(as_json):
        result = run_batch(
            source,
            destination,
            work=work,
            execute=_executor(use_ray=use_ray),
            again=again,
            on_outcome=lambda outcome, done, total: _report(outcome, done, total, advance, quiet=as_json),
        )
    facts = {"done": len(result.done), "failed": len(result.failed), "skipped": result.skipped}
    if as_json:
        echo_json({**facts, "files": [_described(outcome) for outcome in [*result.done, *result.failed]]})
    else:
        click.echo(", ".join(f"{count} {name}" for name, count in facts.items()))
    if result.failed:
        total = len(result.done) + len(result.failed)
        raise InputError(f"{len(result.failed)} of {total} inputs failed; run again to retry them")


def _only_json_on_stdout(as_json: bool) -> AbstractContextManager[object]:
    """Sends Ray's messages on stdout to stderr when stdout carries JSON."""
    return redirect_stdout(sys.stderr) if as_json else nullcontext()


def _executor(*, use_ray: bool) -> Execute:
    from ..engine.jobs.batch_ray import in_ray
    from ..engine.jobs.processes import in_processes

    return in_ray if use_ray else in_processes


def _report(outcome: Outcome, done: int, total: int, advance: Advance, *, quiet: bool) -> None:
    advance(done, total)
    if outcome.done is None:
        notice(f"skipped: {outcome.error}")
        return
    result = tell_notes(outcome.done)
    if not quiet:
        click.echo(f"{result.output}  {result.width}x{result.height}  {result.seconds:.2f} s")


def _described(outcome: Outcome) -> dict[str, object]:
    done = {} if outcome.done is None else {**asdict(outcome.done), "fps": outcome.done.fps}
    facts = {"attempts": outcome.attempts, "worker": outcome.worker, "error": outcome.error or None}
    return {"input": str(outcome.job.input), "output": str(outcome.job.output), **done, **facts}
