"""What `artrt quantize` and `artrt superpixels` share: pictures one way, videos another, failures reported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..engine.effects.effect_stage import EffectStage
from ..engine.errors import ArtrtError
from ..engine.jobs.job import Job, run_job
from ..engine.jobs.picture import output_suffix
from ..engine.pictures.about import NOTHING
from ..engine.pictures.reading import PictureFile, Still, open_picture
from ..engine.pictures.writing import write_stills
from ._common import notice, progress, tell_notes

Picture = Callable[[Job, PictureFile, EffectStage], dict[str, Any]]


def write_one(file: PictureFile, output: Path, still: Still, *, keep_metadata: bool) -> None:
    """Writes what came of a picture, with what its file said of it."""
    about = file.about() if keep_metadata else NOTHING
    write_stills(output, [still], about=about, suffix=output_suffix(file, output))


def run_effect(
    jobs: Sequence[Job], effect: EffectStage, picture: Picture, *, keep_metadata: bool = True
) -> list[dict[str, Any]]:
    """Does all jobs; among several, one that fails is reported and left out.

    Args:
        jobs: Pictures and videos.
        effect: The stage; videos run through it frame by frame.
        picture: Does one picture and says what came of it; animations and pages are done like videos.
        keep_metadata: Keep dates, place, camera and title of animations and pages.

    Returns:
        One mapping per job that was done.

    Raises:
        ArtrtError: The only job failed.
    """
    done = []
    for number, job in enumerate(jobs, 1):
        try:
            with progress(f"{job.input.name} ({number}/{len(jobs)})") as advance:
                file = open_picture(job.input) if job.kind == "picture" else None
                if file is not None and file.count == 1:
                    done.append(picture(job, file, effect))
                    continue
                result = run_job(job, effect, on_frame=advance, file=file, keep_metadata=keep_metadata)
                done.append(asdict(tell_notes(result)))
        except ArtrtError as error:
            if len(jobs) == 1:
                raise
            notice(f"skipped: {error}")
    return done
