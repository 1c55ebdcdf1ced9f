"""`artrt saliency`: masks of the salient region, and heat maps over the picture."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import click

from ..engine.effects.saliency import Saliency, heat_map, mask_picture
from ..engine.errors import UsageError
from ..engine.frame import Image
from ..engine.jobs.job import Job
from ..engine.pictures.writing import STANDARD_OUTPUT
from ._files import effect_options, file_arguments, planned_jobs, tell_results
from ._report import notice
from .stylize import run_all

SHOWN = ("both", "mask", "overlay")


@click.command(name="saliency")
@file_arguments
@click.option(
    "--show",
    type=click.Choice(SHOWN),
    default="both",
    show_default=True,
    help="The mask, a heat map over the picture, or both; then the heat map is NAME-overlay.",
)
@click.option(
    "--attention",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Add what a classifier would look at, like --keep-salient; 0: the salient region only.",
)
@effect_options
def command(
    inputs: tuple[str, ...],
    output: str,
    show: str,
    attention: float,
    provider: str,
    threads: int | None,
    keep_metadata: bool,
    as_json: bool,
) -> None:
    r"""Find the salient region of pictures, folders and videos.

    \b
    artrt saliency photo.jpg -o mask.png
    artrt saliency photos/ clip.mp4 -o masks/ --show overlay
    """
    if show == "both" and output in STANDARD_OUTPUT:
        raise UsageError("the standard output can take only one picture: add --show mask or --show overlay")
    jobs = planned_jobs(inputs, output, as_json=as_json)
    done = []
    with Saliency(provider=provider, threads=threads, attention=attention) as saliency:
        notice(f"runs on {saliency.stage.session.provider} ({saliency.stage.session.reason})")
        if show in ("both", "mask"):
            done += run_all(jobs, _Mask(saliency), keep_metadata=keep_metadata)
        if show in ("both", "overlay"):
            beside = [_beside(job) for job in jobs] if show == "both" else jobs
            done += run_all(beside, _Overlay(saliency), keep_metadata=keep_metadata)
    facts = [asdict(result) for result in done]
    tell_results(facts, lambda result: f"{result['seconds']:.2f} s", jobs=len(done), as_json=as_json)


class _Mask:
    """Maps a picture to its mask as a grey picture."""

    def __init__(self, saliency: Saliency) -> None:
        self._saliency = saliency

    def __call__(self, image: Image) -> Image:
        return mask_picture(self._saliency(image))

    def reset(self) -> None:
        """Does nothing: there is no state between frames."""


class _Overlay(_Mask):
    """Maps a picture to the picture with its heat map."""

    def __call__(self, image: Image) -> Image:
        return heat_map(image, self._saliency(image))


def _beside(job: Job) -> Job:
    """The same job with -overlay added to the output's name."""
    output: Path = job.output
    return replace(job, output=output.with_name(f"{output.stem}-overlay{output.suffix}"))
