"""Trains a style as a job: runs `artrt train style` in a separate process, which can be cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, MissingExtraError, UsageError
from ..sources.scene import PHOTO
from ..zoo.style import SUFFIX, load_style
from .jobs import Job
from .options import StudioOptions
from .studio import Studio
from .style_routes import STYLE, add_style, painting_of
from .visitors import Item, Visitor

POLL_SECONDS = 0.5
SAMPLE_STEPS = 25
PHOTO_PX = 800
MOST_PHOTOS = 20
# Time for loading and ending, in addition to the training's minutes.
GRACE_SECONDS = 300.0
ROOM_BYTES = 2_000_000


def require_training(options: StudioOptions) -> None:
    """Checks that styles can be trained.

    Raises:
        UsageError: Training is disabled in this studio.
        MissingExtraError: PyTorch is not installed.
    """
    if options.train_minutes <= 0:
        raise UsageError("training is disabled in this studio (--train-minutes 0)")
    if importlib.util.find_spec("torch") is None:
        raise MissingExtraError("training a style", package="torch", extra="train")


@dataclass(frozen=True)
class Training:
    """The job of training; the trained style is added to the visitor's styles.

    Args:
        studio: Its options set duration, photographs and command.
        visitor: Owner of the style.
        item: A style that was computed from a painting.
    """

    studio: Studio
    visitor: Visitor
    item: Item

    async def __call__(self, job: Job) -> None:
        """Runs the training until it ends or is cancelled.

        Raises:
            InputError: The training failed, or took too long.
        """
        folder = Path(tempfile.mkdtemp(prefix="training-", dir=self.studio.folder))
        process: subprocess.Popen[bytes] | None = None
        try:
            await self._gather(folder)
            job.stop = lambda: None  # a cancellation during the start is handled below
            process = await asyncio.to_thread(_started, self.studio.options, folder)
            job.stop = process.kill
            await self._watch(job, process, folder)
            if not job.is_cancelled():
                self._keep(job, folder)
        finally:
            if process is not None:
                process.kill()
                await asyncio.to_thread(process.wait)
            shutil.rmtree(folder, ignore_errors=True)

    async def _gather(self, folder: Path) -> None:
        """Writes the painting, the visitor's photographs and the shipped one, all decoded by a worker."""
        shutil.copyfile(painting_of(self.item), folder / "painting.jpg")
        if self.studio.options.train_photos is not None:
            return
        photos = folder / "photos"
        photos.mkdir()
        shutil.copyfile(PHOTO, photos / PHOTO.name)
        own = [item for item in self.visitor.items.values() if item.kind == "photo"][-MOST_PHOTOS:]
        for number, item in enumerate(own):
            shown = await self.studio.ask(
                self.visitor, "show_photo", path=str(item.path), long_side_px=PHOTO_PX
            )
            (photos / f"{number}.jpg").write_bytes(shown)

    async def _watch(self, job: Job, process: subprocess.Popen[bytes], folder: Path) -> None:
        started, length = time.monotonic(), 60 * self.studio.options.train_minutes
        while process.poll() is None:
            if job.is_cancelled():
                return
            taken = time.monotonic() - started
            if taken > length + GRACE_SECONDS:
                raise InputError(f"the training took longer than {(length + GRACE_SECONDS) / 60:.0f} minutes")
            job.share = min(0.98, taken / length)
            _look_at_samples(job, folder)
            await asyncio.sleep(POLL_SECONDS)
        _look_at_samples(job, folder)
        if process.returncode != 0 and not job.is_cancelled():
            raise InputError(_said(folder))

    def _keep(self, job: Job, folder: Path) -> None:
        title = f"{str(self.item.facts['title'])[:50]}, trained"
        style = load_style(folder / f"style{SUFFIX}")
        item = self.visitor.add("style", title=title, file=STYLE)
        try:
            shutil.copyfile(folder / "painting.jpg", painting_of(item))
            add_style(item, style=style, title=title)
        except BaseException:
            self.visitor.drop(item)
            raise
        job.facts["style"] = item.facts["name"]


def command_of(options: StudioOptions, folder: Path) -> list[str]:
    """The training command for the files in a folder."""
    return [
        *options.trainer,
        str(folder / "painting.jpg"),
        "--name=style",
        f"--photos={options.train_photos or folder / 'photos'}",
        f"--output={folder / f'style{SUFFIX}'}",
        f"--minutes={options.train_minutes:g}",
        f"--model={options.model}",
        f"--sample-steps={SAMPLE_STEPS}",
    ]


def _started(options: StudioOptions, folder: Path) -> subprocess.Popen[bytes]:
    """Starts the process, with low priority and a worker's memory limit."""
    threads = str(max(1, (os.cpu_count() or 2) - 1))
    environment = os.environ | {"ARTRT_ZOO": str(options.zoo.folder), "OMP_NUM_THREADS": threads}
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            command_of(options, folder),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=environment,
            start_new_session=True,
        )
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import resource

        os.setpriority(os.PRIO_PROCESS, process.pid, 10)
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (options.limits.memory_bytes,) * 2)
    return process


def _look_at_samples(job: Job, folder: Path) -> None:
    """Reads the newest complete sheet of samples."""
    for path in sorted(folder.glob("style.training/samples-*.jpg"), reverse=True)[:1]:
        data = path.read_bytes()
        if data.endswith(b"\xff\xd9"):
            job.sample, job.facts["sample"] = data, path.stem.removeprefix("samples-").lstrip("0")


def _said(folder: Path) -> str:
    """The first sentence of the command's error message, without the private folder."""
    lines = (folder / "said.txt").read_text(errors="replace").strip().splitlines()
    last = next((line for line in reversed(lines) if "error: " in line), "error: it ended early")
    told = last.partition("error: ")[2].partition(". ")[0]
    return "the training failed: " + told.replace(f"{folder}/painting.jpg", "the painting").replace(
        f"{folder}/", ""
    )
