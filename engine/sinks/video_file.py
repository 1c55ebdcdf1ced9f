"""Encoded video files, written under a temporary name and renamed when they are complete.

An incomplete recording also gets its name, unless that file exists already. With `EncodeOptions.whole`, only a complete
video gets its name; an incomplete one is kept as NAME.partial.EXT. A part without any picture is removed. The part that
a crashed process leaves is kept in the same way when a video of the same name is written again; until then it is a
hidden file in the same folder, .artrt-….partial-….EXT.

An MP4 is written in fragments and finished as a plain file, so it plays up to the last fragment even after a full disk
or a power failure.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import OutputError
from ..files import leftovers, lock, temporary_beside
from ..result import Result
from ..sources import SourceInfo
from ..sources.container import file_address
from .base import EncodeOptions
from .carrier import Carrier
from .encoder import CODECS, VideoEncoder, prove_encoder
from .mp4 import cut_to_whole_fragments

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
FRAGMENTED = {"mp4", "mov"}
# One fragment per key frame; the index is written with the first one, when the start of the tracks is known.
MP4_FLAGS = "hybrid_fragmented+delay_moov"


class VideoFileSink:
    """Writes results into a video file.

    Args:
        path: .mp4, .mov, .mkv or .webm.
        options: Codec, quality, audio.
    """

    live = False
    main_thread = False

    def __init__(self, path: Path, *, options: EncodeOptions | None = None) -> None:
        self.name = str(path)
        self._path = path
        self._temporary = temporary_beside(path)
        self._options = options or EncodeOptions()
        self._format = FORMATS[path.suffix.lower()]
        self._info: SourceInfo | None = None
        self._container: Any = None
        self._encoder: VideoEncoder | None = None
        self._carrier: Carrier | None = None
        self._start_seconds = 0.0
        self._end_seconds = 0.0
        self._broken = False
        self._lock: BinaryIO | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes about what the file could not keep from the source."""
        dropped = "" if self._carrier is None else self._carrier.dropped
        elsewhere = self._format != "matroska" and ("subtitle" in dropped or "attachment" in dropped)
        kept_by = "; .mkv holds more" if elsewhere else ""
        notes = [f"not kept in {self._path.suffix}: {dropped}{kept_by}"] if dropped else []
        if self._encoder is not None and self._encoder.lost_alpha:
            notes.append("its transparency is lost: .webm, .mkv, .mov and .png keep it")
        return tuple(notes)

    @property
    def size(self) -> int:
        """Current size of the file in bytes."""
        try:
            return self._temporary.stat().st_size
        except OSError:
            return 0

    def open(self, info: SourceInfo) -> None:
        """Checks the folder and the encoder.

        Raises:
            OutputError: The folder is missing or read-only, or the encoder does not work.
        """
        folder = self._path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self._path}: the folder cannot be created: {error.strerror}") from error
        if not os.access(folder, os.W_OK) or self._path.is_dir():
            raise OutputError(f"{self._path}: cannot be written")
        prove_encoder(self._options.codec or CODECS[self._format])
        for left in leftovers(self._path):  # from a process that crashed or was killed
            self._keep_part(left, partial_name(self._path))
        self._info = info

    def write(self, result: Result) -> None:
        """Encodes one result and the audio up to it."""
        with self._errors():
            if self._encoder is None:
                self._start(result)
            assert self._encoder is not None
            self._end_seconds = result.time_seconds - self._start_seconds
            self._encoder.write(result.image, self._end_seconds, alpha=result.frame.alpha)
            if self._lock is None and self._temporary.exists():  # the file appears with the first packet
                self._lock = lock(self._temporary)
            if self._carrier is not None:
                self._carrier.write_until(self._container, self._end_seconds)

    def close(self, *, completed: bool) -> None:
        """Finishes and renames the file; without any frame there is no file."""
        if self._container is None:
            return
        whole = False
        try:
            if not self._broken:
                self._finish(completed=completed)
                whole = completed or not self._options.whole
        finally:
            self._release()
            self._rename(whole=whole)

    def _rename(self, *, whole: bool) -> None:
        """Renames the file to its final name or that of a part; removes a file without pictures."""
        if not self._temporary.exists():
            return
        if whole:
            self._temporary.replace(self._path)
            return
        self._keep_part(self._temporary, self._part_path())

    def _part_path(self) -> Path:
        """Where a part is kept: a broken recording has its own name, unless a file has it already."""
        taken = self._options.whole or self._path.exists()
        return partial_name(self._path) if taken else self._path

    def _keep_part(self, file: Path, name: Path) -> None:
        """Renames a part of a video; removes it if it has no pictures."""
        if self._format in FRAGMENTED:
            cut_to_whole_fragments(file)
        if _shows_something(file):
            file.replace(name)
        else:
            file.unlink()

    def _start(self, result: Result) -> None:
        import av

        assert self._info is not None
        # A recording of a live source, or from the middle of a file, starts at its first picture.
        from_the_middle = self._info.live or result.index > 0
        self._start_seconds = result.time_seconds if from_the_middle else 0.0
        origin = self._info.origin or self._info.audio
        if origin is not None:
            self._carrier = Carrier(
                origin,
                start_seconds=self._start_seconds,
                audio=self._options.audio and self._info.audio is not None,
                metadata=self._options.metadata,
            )
        self._container = av.open(
            file_address(self._temporary), "w", format=self._format, container_options=self._muxer_options()
        )
        height, width = result.image.shape[:2]
        self._encoder = VideoEncoder(
            self._container, info=self._info, width=width, height=height, options=self._options
        )
        if self._carrier is not None:
            self._carrier.attach(self._container)

    def _muxer_options(self) -> dict[str, str]:
        if self._format not in FRAGMENTED:
            return {}
        free_tags = self._carrier is not None and self._carrier.has_free_tags
        return {"movflags": MP4_FLAGS + ("+use_metadata_tags" if free_tags else "")}

    def _finish(self, *, completed: bool) -> None:
        with self._errors():
            if self._encoder is not None:
                self._encoder.flush()
            if self._carrier is not None:
                self._carrier.write_until(self._container, None if completed else self._end_seconds)
            self._container.close()

    def _release(self) -> None:
        """Frees everything; write errors were reported before."""
        for part in (self._carrier, self._container, self._lock):
            if part is not None:
                with contextlib.suppress(Exception):
                    part.close()

    @contextlib.contextmanager
    def _errors(self) -> Any:
        import av

        try:
            yield
        except OutputError:
            self._broken = True
            raise
        except (av.error.FFmpegError, OSError, ValueError) as error:
            self._broken = True
            full = getattr(error, "errno", None) == errno.ENOSPC
            reason = "the disk is full" if full else str(error)
            part = self._part_path()
            raise OutputError(f"{self._path}: {reason}; the part that plays, if any, is in {part}") from error


def partial_name(path: Path) -> Path:
    """The path for an incomplete video: NAME.partial.EXT."""
    return path.with_name(f"{path.stem}.partial{path.suffix}")


def _shows_something(path: Path) -> bool:
    """Whether a file has at least one picture."""
    import av

    try:
        with av.open(file_address(path)) as container:
            return next(container.decode(video=0), None) is not None
    except (av.error.FFmpegError, OSError, ValueError, IndexError):
        return False
