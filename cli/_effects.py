"""Common parts of `artrt quantize` and `artrt superpixels`: run jobs and report failures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..engine.effects.effect_stage import EffectStage
from ..engine.errors import ArtrtError
from ..engine.jobs.job import Job, run_job
from ..engine.jobs.paint_file import output_suffix
from ..engine.pictures.about import NOTHING
from ..engine.pictures.reading import PictureFile, Still, open_picture
from ..engine.pictures.writing import write_stills
from ._report import notice, progress, tell_notes

Picture = Callable[[Job, PictureFile, EffectStage], dict[str, Any]]


def write_one(file: PictureFile, output: Path, still: Still, *, keep_metadata: bool) -> None:
    """Writes the result for a picture with the metadata of its file."""
    about = file.about() if keep_metadata else NOTHING
    write_stills(output, [still], about=about, suffix=output_suffix(file, output))


def run_effect(
    jobs: Sequence[Job], effect: EffectStage, picture: Picture, *, keep_metadata: bool = True
) -> list[dict[str, Any]]:
    """Runs all jobs; if one of several fails, it is reported and skipped.

    Args:
        jobs: Pictures and videos.
        effect: The stage; used for the frames of videos.
        picture: Processes one picture and returns facts about the result; animations and pages are handled like videos.
        keep_metadata: Keep dates, place, camera and title of animations and pages.

    Returns:
        One mapping per finished job.

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
