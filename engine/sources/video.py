"""Video files through PyAV: every frame, upright, with its real presentation time."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..frame import Frame, Image, as_image
from .base import SourceInfo, SourceOptions

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.reformatter import VideoReformatter
    from av.video.stream import VideoStream

# Damaged frames in a row that are skipped before the rest of a file is given up.
TOLERATED_ERRORS = 25


class VideoSource:
    """Decodes the video track of a file that players show: of several the best one, never a cover picture.

    Args:
        address: A path, or the URL of a file.
        options: Scaling, loop.

    Raises:
        InputError: Missing, empty, or no video.
    """

    reconnects = 0

    def __init__(self, address: str, *, options: SourceOptions) -> None:
        self._address = address
        self._options = options
        self._cancelled = False
        self._index = 0
        self._offset_seconds = 0.0
        self._container, self._track = _open(address, options.container)
        self._reformatter = _reformatter()
        self._frames = self._decode()
        self.info = self._describe()

    def read(self) -> Frame | None:
        """The next frame; None at the end."""
        if self._cancelled:
            return None
        return next(self._frames, None)

    def cancel(self) -> None:
        """Ends the file."""
        self._cancelled = True

    def close(self) -> None:
        """Closes the file."""
        self._cancelled = True
        self._frames.close()
        self._container.close()

    def _describe(self) -> SourceInfo:
        stream = self._track
        first = next(self._frames, None)
        if first is None:
            raise InputError(f"{self._address}: no frame could be decoded: the file is damaged or cut off")
        self._frames = _chain(first, self._frames)
        height, width = first.image.shape[:2]
        rate = stream.average_rate or stream.guessed_rate
        duration = self._container.duration
        audio = bool(self._container.streams.audio) and not self._options.loop
        return SourceInfo(
            name=self._address,
            live=False,
            width=width,
            height=height,
            rate=Fraction(rate) if rate else None,
            time_base=stream.time_base,
            frame_count=None if self._options.loop else stream.frames or None,
            duration_seconds=duration / 1e6 if duration else None,
            audio=Path(self._address) if audio and "://" not in self._address else None,
        )

    def _decode(self) -> Generator[Frame, None, None]:
        while True:
            end_seconds = 0.0
            for decoded in self._decode_once():
                frame = self._convert(decoded)
                end_seconds = frame.time_seconds
                yield frame
            if not self._options.loop or self._cancelled or self._index == 0:
                return
            rate = self._track.average_rate or 25
            self._offset_seconds = end_seconds + float(1 / rate)
            self._container.close()
            self._container, self._track = _open(self._address, self._options.container)

    def _decode_once(self) -> Iterator[VideoFrame]:
        import av

        errors = 0
        packets = self._container.demux(self._track)
        while not self._cancelled:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                for decoded in packet.decode():
                    errors = 0
                    yield decoded
            except av.error.EOFError:
                return
            except (av.error.FFmpegError, OSError) as error:
                errors += 1
                if errors > TOLERATED_ERRORS:
                    raise InputError(f"{self._address}: cannot be decoded any further: {error}") from error

    def _convert(self, decoded: VideoFrame) -> Frame:
        image = _to_bgr(decoded, self._reformatter, self._options)
        start = (self._container.start_time or 0) / 1e6
        time_seconds = decoded.time - start if decoded.time is not None else self._guess_time()
        index, self._index = self._index, self._index + 1
        return Frame(image, index, time_seconds + self._offset_seconds, time.monotonic())

    def _guess_time(self) -> float:
        rate = self._track.average_rate or 25
        return float(self._index / rate)


def _open(address: str, container_name: str | None = None) -> tuple[InputContainer, VideoStream]:
    import av

    if "://" not in address:
        _check_file(Path(address))
    try:
        container = av.open(
            address,
            format=container_name,
            options={} if container_name is None else {"protocol_whitelist": "file"},
            timeout=(10.0, 5.0) if "://" in address else None,
        )
    except (av.error.FFmpegError, OSError) as error:
        raise InputError(f"{address}: not a readable video: {_reason(error)}") from error
    track: Any = container.streams.best("video")
    if track is None:
        container.close()
        raise InputError(f"{address}: there is no video track in this file")
    track.thread_type = "AUTO"
    return container, track


def _check_file(path: Path) -> None:
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty (0 bytes)")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: no permission to read it")


def _reformatter() -> VideoReformatter:
    from av.video.reformatter import VideoReformatter

    return VideoReformatter()


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error)


def _to_bgr(decoded: VideoFrame, reformatter: VideoReformatter, options: SourceOptions) -> Image:
    quarter_turns = (round(decoded.rotation / 90)) % 4
    width, height = decoded.width, decoded.height
    if options.size is not None:
        if quarter_turns % 2:
            height, width = options.size.of(height, width)
        else:
            width, height = options.size.of(width, height)
    packed = reformatter.reformat(decoded, width=width, height=height, format="bgr24", threads=1)
    image = as_image(packed.to_ndarray())
    # FFmpeg's rotation is counter-clockwise, as is that of rot90.
    return np.ascontiguousarray(np.rot90(image, quarter_turns)) if quarter_turns else image


def _chain(first: Frame, rest: Iterator[Frame]) -> Generator[Frame, None, None]:
    yield first
    yield from rest
