"""Jobs of the command line: which files become which, and doing one of them.

photo.jpg    -o painting.jpg      one picture
clip.mp4     -o painting.mp4      one video, its audio carried over
frames/      -o painting.mp4      a folder of pictures as a video
a.jpg b.mp4 photos/ '*.png' -o F  everything into the folder F, names kept
"""

from __future__ import annotations

import glob
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from ..errors import ArtrtError, InputError, OutputError, UsageError
from ..frame import IMAGE_SUFFIXES, Image, keeps_alpha, read_image_with_alpha, write_image
from ..looks.stylizer import Stylizer
from ..playing.pipeline import Pipeline
from ..sessions.machine import available_memory_bytes
from ..sinks import EncodeOptions, open_sink
from ..sinks.encoder import even
from ..sinks.video_file import FORMATS as VIDEO_FORMATS
from ..sinks.video_file import partial_name
from ..sources import VIDEO_SUFFIXES, Size, SourceInfo, SourceOptions
from ..sources.base import scaled
from ..statistics import Stats

# Measured for `small` in ONNX Runtime at 8000x8000, reading and writing included.
NETWORK_BYTES_PER_PIXEL = 134
# A video is called cut off when this share of its frames and of its length is missing.
MISSING_SHARE = 0.05

Kind = Literal["picture", "video"]
_Facts = tuple[int, int, int, tuple[str, ...]]  # width, height, frames, notes
OnProgress = Callable[[float, float | None], None]
"""Called with what is done, and the total or None: pictures for a list of jobs, frames inside a video."""


class Painter(Protocol):
    """What a job needs: a function from picture to picture that can start fresh."""

    def __call__(self, image: Image, /) -> Image:
        """Paints one picture."""
        ...

    def reset(self) -> None:
        """Starts a new scene."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """One input and its output.

    Args:
        input: A picture or a video; for a video also a folder or glob of pictures.
        output: A file, or for a video also a pattern of pictures (frames/%06d.png).
        kind: "picture", or "video" when there are many frames.
    """

    input: Path
    output: Path
    kind: Kind


@dataclass(frozen=True, slots=True)
class Done:
    """A finished job.

    Args:
        input: As in the job.
        output: As in the job.
        kind: As in the job.
        width: Width of the output in pixels.
        height: Height of the output in pixels.
        frames: Number of frames.
        seconds: Time for reading, stages and writing together.
        notes: What was lost on the way, one line each.
    """

    input: str
    output: str
    kind: Kind
    width: int
    height: int
    frames: int
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def fps(self) -> float:
        """Frames per second, end to end."""
        return self.frames / self.seconds if self.seconds > 0 else 0.0


def plan_jobs(inputs: Sequence[str], output: str) -> list[Job]:
    """Finds the files and says what each becomes.

    Args:
        inputs: Files, folders and globs.
        output: A file, or a folder when there are several inputs.

    Raises:
        InputError: An input is missing, or a folder or glob has nothing to do.
        UsageError: The output does not fit the inputs, or two outputs would be one file.
    """
    target = Path(output)
    suffix = target.suffix.lower()
    alone = inputs[0] if len(inputs) == 1 else None
    if suffix in VIDEO_FORMATS and alone is not None and _is_collection(alone):
        return [Job(Path(alone), target, "video")]
    files = [file for text in inputs for file in _files(text)]
    if alone is not None and not _is_collection(alone) and suffix and not target.is_dir():
        jobs = [Job(files[0], target, _kind(files[0]))]
        _check_output_kind(jobs[0], suffix)
    elif suffix in IMAGE_SUFFIXES | set(VIDEO_FORMATS) and not target.is_dir():
        raise UsageError(f"several inputs need a folder as output, got the file '{output}'")
    else:
        jobs = [Job(file, target / _output_name(file), _kind(file)) for file in files]
    _check_collisions(jobs)
    return jobs


def run_job(
    job: Job, painter: Painter, *, size: Size | None = None, on_frame: OnProgress | None = None
) -> Done:
    """Does one job; the output is complete or not there.

    Args:
        job: What to do.
        painter: A `Stylizer`, or any function from picture to picture that can start fresh; it does.
        size: Scale the input first.
        on_frame: Called about ten times a second while a video runs.

    Raises:
        InputError: The input cannot be read.
        OutputError: The output cannot be written.
    """
    painter.reset()
    started = time.perf_counter()
    if job.kind == "picture":
        width, height, frames, notes = _run_picture(job, painter, size)
    else:
        width, height, frames, notes = _run_video(job, painter, size, on_frame)
    seconds = time.perf_counter() - started
    return Done(str(job.input), str(job.output), job.kind, width, height, frames, seconds, notes)


def _run_picture(job: Job, painter: Painter, size: Size | None) -> _Facts:
    image, alpha = read_image_with_alpha(job.input)
    image = scaled(image, size)
    _require_memory(job, image)
    result = painter(image)
    if alpha is not None:
        alpha = scaled(alpha, size)
    write_image(job.output, result, alpha=alpha)
    lost = alpha is not None and not keeps_alpha(job.output)
    notes = (f"its transparency is lost: {job.output.suffix} has none, .png does",) if lost else ()
    return result.shape[1], result.shape[0], 1, notes


def _require_memory(job: Job, image: Image) -> None:
    """Refuses a picture that the network cannot hold, instead of being killed half-way."""
    height, width = image.shape[:2]
    available = available_memory_bytes()
    needed = height * width * NETWORK_BYTES_PER_PIXEL
    if available is not None and needed > available:
        fits = int((available / NETWORK_BYTES_PER_PIXEL / (width * height)) ** 0.5 * min(width, height))
        raise InputError(
            f"{job.input}: {width}x{height} pixels need about {needed / 1e9:.1f} GB of memory, "
            f"{available / 1e9:.1f} GB are free; --size {fits} would fit"
        )


def _run_video(job: Job, painter: Painter, size: Size | None, on_frame: OnProgress | None) -> _Facts:
    try:
        job.output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {job.output}: {error.strerror or error}") from error
    becomes_video = job.output.suffix.lower() in VIDEO_FORMATS
    pipeline = Pipeline(
        str(job.input),
        [painter if isinstance(painter, Stylizer) else _Kept(painter)],
        [open_sink(job.output, options=EncodeOptions(whole=True))],
        options=SourceOptions(size=size, square_pixels=not becomes_video),
        frames="all",
    )

    def report(stats: Stats) -> None:
        if on_frame is not None:
            on_frame(stats.frames_out, pipeline.info.frame_count)

    with _naming_the_part(job.output):
        stats = pipeline.run(on_progress=report)
    if stats.frames_out == 0:
        raise InputError(f"{job.input}: no frame could be decoded")
    width, height = even(stats.width, stats.height) if becomes_video else (stats.width, stats.height)
    notes = (*pipeline.notes, *_missing(pipeline.info, stats.frames_out))
    return width, height, stats.frames_out, notes


@contextmanager
def _naming_the_part(output: Path) -> Iterator[None]:
    """Says in the error where the part of a video is that was done before it."""
    part = partial_name(output)
    before = part.stat().st_mtime_ns if part.exists() else None
    try:
        yield
    except (ArtrtError, KeyboardInterrupt) as error:
        if part.exists() and part.stat().st_mtime_ns != before:
            error.kept = str(part)  # type: ignore[union-attr]
        raise


def _missing(info: SourceInfo, frames: int) -> tuple[str, ...]:
    """A note when a file ends before the frames that its header promises, as a broken download does.

    The length is asked too: a clip that was trimmed without being encoded again promises frames that are never shown.
    """
    wanted, seconds = info.frame_count, info.duration_seconds
    if not wanted or not seconds or not info.rate:
        return ()
    least = 1 - MISSING_SHARE
    if frames >= least * wanted or frames / float(info.rate) >= least * seconds:
        return ()
    return (f"only {frames} of {wanted} frames could be read: the file is damaged or cut off",)


class _Kept:
    """A painter as a stage of a pipeline."""

    name = "style"

    def __init__(self, painter: Painter) -> None:
        self._painter = painter

    def __call__(self, image: Image, **controls: Any) -> Image:
        return self._painter(image)


def _is_collection(text: str) -> bool:
    return Path(text).is_dir() or (glob.has_magic(text) and not Path(text).exists())


def _files(text: str) -> list[Path]:
    path = Path(text)
    if path.is_dir():
        found = sorted(file for file in path.iterdir() if file.is_file() and _is_media(file))
        if not found:
            raise InputError(f"{text}: no pictures or videos in this folder")
        return found
    if _is_collection(text):
        found = sorted(Path(match) for match in glob.glob(text, recursive=True) if _is_media(Path(match)))  # noqa: PTH207
        if not found:
            raise InputError(f"{text}: no picture or video matches")
        return found
    if not path.exists():
        raise InputError(f"{text}: no such file" + (" (live sources: artrt live)" if "://" in text else ""))
    if not _is_media(path):
        listed = ", ".join(sorted(IMAGE_SUFFIXES | VIDEO_SUFFIXES))
        raise InputError(f"{text}: not a known kind of picture or video ({listed})")
    return [path]


def _is_media(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES and not path.name.startswith(".")


def _kind(path: Path) -> Kind:
    return "picture" if path.suffix.lower() in IMAGE_SUFFIXES else "video"


def _output_name(file: Path) -> str:
    if _kind(file) == "picture" or file.suffix.lower() in VIDEO_FORMATS:
        return file.name
    return file.stem + ".mp4"


def _check_output_kind(job: Job, suffix: str) -> None:
    pattern = "%" in job.output.name
    if job.kind == "picture" and suffix not in IMAGE_SUFFIXES:
        raise UsageError(f"'{job.output}': a picture becomes one of {', '.join(sorted(IMAGE_SUFFIXES))}")
    if job.kind == "video" and suffix not in VIDEO_FORMATS and not (pattern and suffix in IMAGE_SUFFIXES):
        listed = ", ".join(sorted(VIDEO_FORMATS))
        raise UsageError(
            f"'{job.output}': a video becomes one of {listed}, or pictures as in frames/%06d.png"
        )


def _check_collisions(jobs: Sequence[Job]) -> None:
    for job in jobs:
        if job.output.exists() and job.input.exists() and job.output.samefile(job.input):
            raise UsageError(
                f"the output would overwrite the input {job.input}: choose another file or folder"
            )
    twice = [path for path, count in Counter(job.output for job in jobs).items() if count > 1]
    if twice:
        sources = " and ".join(str(job.input) for job in jobs if job.output == twice[0])
        raise UsageError(f"{sources} would both become {twice[0]}: give them different names")
