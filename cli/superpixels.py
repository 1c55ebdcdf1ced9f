"""`artrt superpixels`: pictures and videos as regions of one colour each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..engine.effects.effect_stage import METHODS, EffectStage
from ..engine.effects.labels import check_labels_suffix, write_labels
from ..engine.effects.superpixels import superpixels, superpixels_effect
from ..engine.errors import UsageError
from ..engine.jobs.job import Job
from ..engine.pictures.reading import PictureFile, Still
from ._effects import run_effect, write_one
from ._files import Facts, effect_options, file_arguments, planned_jobs, tell_results


@click.command(name="superpixels")
@file_arguments
@click.option(
    "-n", "--regions", default=800, show_default=True, metavar="N", type=int, help="Number of regions, about."
)
@click.option(
    "--compactness",
    default=10.0,
    show_default=True,
    metavar="M",
    type=click.FloatRange(0, 1000, min_open=True),
    help="Weight of distance against colour; higher gives rounder regions.",
)
@click.option("--outline", is_flag=True, help="Draw the regions' borders in black.")
@click.option("--labels", metavar="FILE", help="Also write every pixel's region: .npy, or .png (16 bit).")
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="stage",
    show_default=True,
    help="exact: scikit-image, with connected regions.",
)
@effect_options
def command(
    inputs: tuple[str, ...],
    output: str,
    regions: int,
    compactness: float,
    outline: bool,
    labels: str | None,
    method: str,
    provider: str,
    threads: int | None,
    keep_metadata: bool,
    as_json: bool,
) -> None:
    r"""Split pictures and videos into about N regions, each in its mean colour.

    \b
    artrt superpixels photo.jpg -o mosaic.png -n 400 --outline
    artrt superpixels photo.jpg -o mosaic.png --labels regions.npy
    """
    jobs = planned_jobs(inputs, output, as_json=as_json)
    if labels is not None:
        check_labels_suffix(labels)
        if len(jobs) > 1 or jobs[0].kind != "picture":
            raise UsageError("--labels is for a single picture")
    if any(job.kind == "video" for job in jobs) and method != "stage":
        raise UsageError("videos take the default --method only")

    def picture(job: Job, file: PictureFile, effect: EffectStage) -> dict[str, Any]:
        still = file.first()
        image = still.image
        result = superpixels(
            image, regions, compactness=compactness, outline=outline, method=method, effect=effect
        )
        write_one(file, job.output, Still(result.image, still.alpha), keep_metadata=keep_metadata)
        if labels is not None:
            write_labels(Path(labels), result.labels)
        height, width = image.shape[:2]
        return {"output": str(job.output), "width": width, "height": height, "regions": result.count}

    strength = float(outline)
    with superpixels_effect(
        regions, compactness=compactness, outline=strength, provider=provider, threads=threads
    ) as effect:
        done = run_effect(jobs, effect, picture, keep_metadata=keep_metadata)
    tell_results(done, _line, jobs=len(jobs), as_json=as_json)


def _line(result: Facts) -> str:
    if "regions" in result:
        return f"{result['regions']} regions"
    return f"{result['frames']} frames, {result['seconds']:.2f} s"
