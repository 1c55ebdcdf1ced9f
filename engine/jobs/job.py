"""Jobs of the command line: pairs inputs with outputs, and runs one job.

photo.jpg    -o painting.jpg      one picture; an animation or a file with pages keeps them
-            -o -                 one picture, from the standard input to the standard output
clip.mp4     -o painting.mp4      one video, its audio carried over
frames/      -o painting.mp4      a folder of pictures as a video
a.jpg b.mp4 photos/ '*.png' -o F  everything into the folder F, names kept
"""

from __future__ import annotations

import glob
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import ArtrtError, InputError, OutputError, UsageError
from ..files import in_order, is_hidden
from ..frame import IMAGE_SUFFIXES, Image, readable_suffixes
from ..looks.stylizer import Stylizer
from ..pictures.heif import HEIF_SUFFIXES, MISSING
from ..pictures.reading import PictureFile, is_moving, is_stream, open_picture
from ..pictures.writing import STANDARD_OUTPUT
from ..playing.pipeline import Pipeline
from ..sinks import EncodeOptions, open_sink
from ..sinks.encoder import even
from ..sinks.video_file import FORMATS as VIDEO_FORMATS
from ..sinks.video_file import partial_name
from ..sources import VIDEO_SUFFIXES, Size, SourceOptions
from ..statistics import Stats
from .paint_file import Facts, Painter, paint_file

Kind = Literal["picture", "video"]
OnProgress = Callable[[float, float | None], None]
"""Called with the finished amount and the total or None: files of a list of jobs, or frames of a video."""


@dataclass(frozen=True, slots=True)
class Job:
    """One input and its output.

    Args:
        input: A picture or a video; for a video also a folder or glob of pictures. "-" is the standard input.
        output: A file, or for a video also a pattern of pictures (frames/%06d.png). "-" is the standard output.
        kind: "picture", or "video" for many frames.
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
        notes: Properties of the input that were lost, one line each.
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
    """Finds the input files and decides their outputs.

    Args:
        inputs: Files, folders and globs.
        output: A file, or a folder when there are several inputs.

    Raises:
        InputError: An input is missing, or a folder or glob contains no pictures or videos.
        UsageError: The output does not fit the inputs, or two inputs have the same output.
    """
    target = _path(output)
    suffix = target.suffix.lower()
    alone = inputs[0] if len(inputs) == 1 else None
    if str(target) in STANDARD_OUTPUT:
        return [_to_standard_output(inputs, target)]
    if suffix in VIDEO_FORMATS and alone is not None and _is_collection(alone):
        return [Job(Path(alone), target, "video")]
    files = [file for text in inputs for file in _files(text)]
    if alone is not None and not _is_collection(alone) and suffix and not target.is_dir():
        jobs = [Job(files[0], target, _kind(files[0], suffix))]
        _check_output_kind(jobs[0], suffix)
    elif suffix in IMAGE_SUFFIXES | set(VIDEO_FORMATS) and not target.is_dir():
        raise UsageError(f"several inputs need a folder as output, got the file '{output}'")
    else:
        jobs = [Job(file, target / _output_name(file), _kind(file)) for file in files]
    _check_collisions(jobs)
    return jobs


def left_out(inputs: Sequence[str]) -> list[Path]:
    """Files in the given folders that are neither pictures nor videos, except hidden files and folders."""
    folders = [Path(text) for text in inputs if Path(text).is_dir()]
    return in_order(
        path
        for folder in folders
        for path in folder.iterdir()
        if path.is_file() and not is_hidden(path) and not _is_media(path)
    )


def skipped_folders(inputs: Sequence[str]) -> list[Path]:
    """Folders in the given folders that hold pictures or videos of their own; only `batch` reads those."""
    folders = [Path(text) for text in inputs if Path(text).is_dir()]
    found = (path for folder in folders for path in folder.iterdir() if path.is_dir() and not is_hidden(path))
    return in_order(
        path for path in found if os.access(path, os.R_OK) and any(map(_is_media, path.iterdir()))
    )


def default_output(inputs: Sequence[str]) -> str:
    """The output for one file when none is given: NAME-artrt.EXT beside it; "-" for the standard input.

    Raises:
        InputError: The input is missing.
        UsageError: There are several inputs, or a folder.
    """
    if len(inputs) > 1 or _is_collection(inputs[0]):
        raise UsageError("several inputs need a folder for the results: -o FOLDER")
    (file,) = _files(inputs[0])
    if is_stream(file):
        return str(file)
    named = Path(_output_name(file))
    return str(file.with_name(f"{named.stem}-artrt{named.suffix}"))


def run_job(
    job: Job,
    painter: Painter,
    *,
    size: Size | None = None,
    keep_metadata: bool = True,
    on_frame: OnProgress | None = None,
    file: PictureFile | None = None,
) -> Done:
    """Runs one job; the output is written atomically.

    Args:
        job: The job.
        painter: A `Stylizer`, or another `Painter`; it is reset first.
        size: Scale the input first.
        keep_metadata: Keep dates, place, camera and title.
        on_frame: Called about ten times per second while a video is processed.
        file: The picture, if it is already open, because the standard input can be read only once.

    Raises:
        InputError: The input cannot be read.
        OutputError: The output cannot be written.
    """
    painter.reset()
    started = time.perf_counter()
    if job.kind == "picture":
        opened = file or open_picture(job.input)
        width, height, frames, notes = paint_file(
            opened, job.output, painter, size=size, keep_metadata=keep_metadata
        )
    else:
        width, height, frames, notes = _run_video(job, painter, size, keep_metadata, on_frame)
    seconds = time.perf_counter() - started
    return Done(str(job.input), str(job.output), job.kind, width, height, frames, seconds, notes)


def _run_video(
    job: Job, painter: Painter, size: Size | None, keep_metadata: bool, on_frame: OnProgress | None
) -> Facts:
    try:
        job.output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {job.output}: {error.strerror or error}") from error
    becomes_video = job.output.suffix.lower() in VIDEO_FORMATS
    pipeline = Pipeline(
        str(job.input),
        [painter if isinstance(painter, Stylizer) else _Kept(painter)],
        [open_sink(job.output, options=EncodeOptions(whole=True, metadata=keep_metadata))],
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
    return width, height, stats.frames_out, pipeline.notes


@contextmanager
def _naming_the_part(output: Path) -> Iterator[None]:
    """Adds to an error the path of the part of a video that was finished before it."""
    part = partial_name(output)
    before = part.stat().st_mtime_ns if part.exists() else None
    try:
        yield
    except (ArtrtError, KeyboardInterrupt) as error:
        if part.exists() and part.stat().st_mtime_ns != before:
            error.kept = str(part)  # type: ignore[union-attr]
        raise


class _Kept:
    """Adapts a painter to a stage of a pipeline."""

    name = "style"

    def __init__(self, painter: Painter) -> None:
        self._painter = painter

    def __call__(self, image: Image, **controls: Any) -> Image:
        return self._painter(image)


def _is_collection(text: str) -> bool:
    return Path(text).is_dir() or (glob.has_magic(text) and not Path(text).exists())


def _path(text: str) -> Path:
    """The path; keeps "./-", a file, distinct from "-", the standard input or output."""
    path = Path(text)
    return path.absolute() if str(path) == "-" and text != "-" else path


def _to_standard_output(inputs: Sequence[str], target: Path) -> Job:
    files = [file for text in inputs for file in _files(text)]
    if len(files) != 1 or _is_collection(inputs[0]) or _kind(files[0]) != "picture":
        raise UsageError("the standard output takes one picture: give a file or folder with -o")
    return Job(files[0], target, "picture")


def _files(text: str) -> list[Path]:
    path = _path(text)
    if is_stream(path):
        return [path]
    if path.is_dir():
        found = in_order(file for file in path.iterdir() if file.is_file() and _is_media(file))
        if not found:
            raise InputError(f"{text}: no pictures or videos in this folder")
        return found
    if _is_collection(text):
        found = in_order(Path(match) for match in glob.glob(text, recursive=True) if _is_media(Path(match)))  # noqa: PTH207
        if not found:
            raise InputError(f"{text}: no picture or video matches")
        return found
    if not path.exists():
        raise InputError(f"{text}: no such file" + (" (live sources: artrt live)" if "://" in text else ""))
    if not _is_media(path):
        if path.suffix.lower() in HEIF_SUFFIXES:
            raise InputError(f"cannot read {text}: {MISSING}")
        listed = ", ".join(sorted(readable_suffixes() | VIDEO_SUFFIXES))
        raise InputError(f"{text}: not a known kind of picture or video ({listed})")
    return [path]


def _is_media(path: Path) -> bool:
    return path.suffix.lower() in readable_suffixes() | VIDEO_SUFFIXES and not is_hidden(path)


def _kind(path: Path, output_suffix: str = "") -> Kind:
    """The kind of a job; an animation with a video as output is a "video"."""
    if path.suffix.lower() not in readable_suffixes() and not is_stream(path):
        return "video"
    return "video" if output_suffix in VIDEO_FORMATS and is_moving(path) else "picture"


def _output_name(file: Path) -> str:
    if is_stream(file):
        raise UsageError(
            "the standard input has no name: give the output a file's name, as in -o painting.png"
        )
    if file.suffix.lower() in HEIF_SUFFIXES:
        return file.stem + ".jpg"
    if _kind(file) == "picture" or file.suffix.lower() in VIDEO_FORMATS:
        return file.name
    return file.stem + ".mp4"


def _check_output_kind(job: Job, suffix: str) -> None:
    pattern = "%" in job.output.name
    if job.kind == "picture" and suffix not in IMAGE_SUFFIXES:
        raise UsageError(
            f"'{job.output}': a picture can be written as one of {', '.join(sorted(IMAGE_SUFFIXES))}"
        )
    if job.kind == "video" and suffix not in VIDEO_FORMATS and not (pattern and suffix in IMAGE_SUFFIXES):
        listed = ", ".join(sorted(VIDEO_FORMATS))
        raise UsageError(
            f"'{job.output}': a video is written as {listed}, or as pictures, as in frames/%06d.png"
        )


def _check_collisions(jobs: Sequence[Job]) -> None:
    for job in (job for job in jobs if not is_stream(job.input)):
        if job.output.exists() and job.input.exists() and job.output.samefile(job.input):
            raise UsageError(
                f"the output would overwrite the input {job.input}: choose another file or folder"
            )
    twice = [path for path, count in Counter(job.output for job in jobs).items() if count > 1]
    if twice:
        sources = " and ".join(str(job.input) for job in jobs if job.output == twice[0])
        raise UsageError(f"{sources} would both be written to {twice[0]}: give them different names")
