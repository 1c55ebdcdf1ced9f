"""Limits and settings of the studio."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from ..zoo.zoo import Zoo

MEGA = 1_000_000
GIGA = 1_000_000_000
TRAINER = (sys.executable, "-m", "artrt", "train", "style")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of uploads and of painting.

    Args:
        photo_bytes: Largest photograph or painting.
        photo_pixels: Most pixels of a photograph or painting.
        video_bytes: Largest video.
        video_pixels: Most pixels of a video's frame.
        video_seconds: Longest video; it may have up to 60 frames for each of these seconds.
        visitor_bytes: Total size of one visitor's files, including painted ones.
        disk_bytes: Total size of all visitors' files; one address may use half of it.
        age_seconds: Files of a visitor are deleted after this time without a request.
        memory_bytes: Main memory of each worker process.
        task_seconds: Longest time for one picture.
        visitor_jobs: Limit of waiting and running jobs per visitor.
    """

    photo_bytes: int = 60 * MEGA
    photo_pixels: int = 100 * MEGA
    video_bytes: int = 500 * MEGA
    video_pixels: int = 3840 * 2160
    video_seconds: float = 300.0
    visitor_bytes: int = 2 * GIGA
    disk_bytes: int = 10 * GIGA
    age_seconds: float = 6 * 3600.0
    memory_bytes: int = 6 * GIGA
    task_seconds: float = 60.0
    visitor_jobs: int = 20

    @property
    def video_frames(self) -> int:
        """Largest number of frames of a video."""
        return int(60 * self.video_seconds)


@dataclass(frozen=True, slots=True)
class StudioOptions:
    """Options of the studio.

    Args:
        limits: See `Limits`.
        cameras: Sources of this machine that visitors may watch, by their name on the page.
        provider: auto, cpu, cuda, tensorrt or openvino.
        threads: Threads of one inference on a CPU.
        model: A style transformer of the zoo, or the path of a `stylize` stage.
        zoo: The zoo of models and styles.
        folder: Parent of the private folder; None uses the system's temporary folder.
        train_minutes: Duration of a training; 0 disables training.
        train_photos: Folder of photographs to train on; None takes the visitor's own and the shipped one.
        trainer: The command that trains a style.
    """

    limits: Limits = field(default_factory=Limits)
    cameras: tuple[tuple[str, str], ...] = ()
    provider: str = "auto"
    threads: int | None = None
    model: str = "small"
    zoo: Zoo = field(default_factory=Zoo)
    folder: Path | None = None
    train_minutes: float = 10.0
    train_photos: Path | None = None
    trainer: tuple[str, ...] = TRAINER
