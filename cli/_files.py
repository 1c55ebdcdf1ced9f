"""Common parts of the commands that turn files into files: arguments, jobs, and results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ..engine.errors import InputError, UsageError
from ..engine.jobs.job import Job, default_output, left_out, plan_jobs, skipped_folders
from ..engine.pictures.heif import HEIF_SUFFIXES, MISSING
from ..engine.pictures.writing import STANDARD_OUTPUT
from ._options import Command, json_option, metadata_option, provider_option, threads_option
from ._report import echo_json, notice, with_origin

MOST_NAMES = 20
Facts = Mapping[str, Any]


def file_arguments(function: Command) -> Command:
    """Adds `INPUT...` and `--output`."""
    text = "A file; for several inputs a folder.  [default for one file: NAME-artrt.EXT beside it]"
    output = click.option("--output", "-o", metavar="OUTPUT", help=text, callback=_or_default_output)
    return click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")(output(function))


def effect_options(function: Command) -> Command:
    """Adds the options of the commands that run one stage: provider, threads, metadata and JSON."""
    return provider_option(threads_option(metadata_option(json_option(function))))


def planned_jobs(inputs: Sequence[str], output: str, *, as_json: bool) -> list[Job]:
    """Plans the jobs, and prints which files and folders are left out.

    Raises:
        InputError: An input is missing, or a folder or glob contains no pictures or videos.
        UsageError: The output does not fit the inputs, or it is the standard output, which `--json` needs.
    """
    if as_json and output in STANDARD_OUTPUT:
        raise UsageError("--json and the picture cannot both go to the standard output: give -o a file")
    jobs = plan_jobs(inputs, output)
    tell_left_out(inputs)
    _tell_skipped_folders(inputs)
    return jobs


def tell_results(done: Sequence[Facts], line: Callable[[Facts], str], *, jobs: int, as_json: bool) -> None:
    """Prints what was done as JSON, or one line per file; on stderr if the picture went to the standard output.

    Args:
        done: Facts about every input; those that failed have an "error".
        line: The text after the size, such as "0.21 s".
        jobs: Number of inputs.
        as_json: Print JSON.

    Raises:
        InputError: Some inputs failed.
    """
    finished = [facts for facts in done if "error" not in facts]
    if as_json:
        echo_json(done)
    else:
        for facts in finished:
            size = f"{facts['output']}  {facts['width']}x{facts['height']}"
            click.echo(f"{size}  {line(facts)}", err=facts["output"] in STANDARD_OUTPUT)
    if len(finished) < jobs:
        raise InputError(f"{jobs - len(finished)} of {jobs} inputs failed")


def tell_left_out(inputs: Sequence[str]) -> None:
    """Prints the files of the given folders that are neither pictures nor videos."""
    names = [path.name for path in left_out(inputs)]
    if names:
        notice(f"skipped, not a picture or video: {_listed(names)}")
    if any(Path(name).suffix.lower() in HEIF_SUFFIXES for name in names):
        notice(with_origin(MISSING))


def _tell_skipped_folders(inputs: Sequence[str]) -> None:
    """Prints the folders below the given folders that hold pictures or videos, which only `batch` reads."""
    if folders := skipped_folders(inputs):
        notice(
            f"skipped folders: {_listed([f'{path.name}/' for path in folders])} (artrt batch reads them too)"
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{', '.join(names[:MOST_NAMES])}{more}"


def _or_default_output(context: click.Context, option: click.Parameter, value: str | None) -> str:
    return value if value is not None else default_output(context.params["inputs"])
