"""What `artrt quantize` and `artrt superpixels` share: pictures one way, videos another, failures reported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from ..engine.effects.effect_stage import EffectStage
from ..engine.errors import ArtrtError
from ..engine.jobs.job import Job, run_job
from ._common import notice, progress, tell_notes

Picture = Callable[[Job, EffectStage], dict[str, Any]]


def run_effect(jobs: Sequence[Job], effect: EffectStage, picture: Picture) -> list[dict[str, Any]]:
    """Does all jobs; among several, one that fails is reported and left out.

    Args:
        jobs: Pictures and videos.
        effect: The stage; videos run through it frame by frame.
        picture: Does one picture and says what came of it.

    Returns:
        One mapping per job that was done.

    Raises:
        ArtrtError: The only job failed.
    """
    done = []
    for number, job in enumerate(jobs, 1):
        try:
            with progress(f"{job.input.name} ({number}/{len(jobs)})") as advance:
                if job.kind == "picture":
                    done.append(picture(job, effect))
                else:
                    done.append(asdict(tell_notes(run_job(job, effect, on_frame=advance))))
        except ArtrtError as error:
            if len(jobs) == 1:
                raise
            notice(f"skipped: {error}")
    return done
