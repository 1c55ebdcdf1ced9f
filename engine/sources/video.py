"""Video files by PyAV: every frame as it should be displayed, with its presentation time."""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..frame import Frame
from .base import SourceInfo, SourceOptions
from .container import is_local
from .decoding import DEFAULT_RATE, Track
from .upright import Upright, has_alpha

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

# A video counts as cut off if this share of its length is missing.
MISSING_SHARE = 0.05
# Packet sizes of transport streams in bytes: plain, with the timestamps of cameras, with parity.
TRANSPORT_PACKETS = (188, 192, 204)
_CLOCK = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)")  # Matroska's tag for the duration of a track


class VideoSource:
    """Decodes the video track of a file.

    Args:
        address: A path, or the URL of a file.
        options: Scaling, square pixels, loop.

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
        self._end_seconds = 0.0
        self._track = Track(address, container=options.container)
        self._upright = Upright(options, aspect=self._track.stream.sample_aspect_ratio)
        self._ended = False
        try:
            self.info = self._describe()
        except BaseException:
            self._track.close()
            raise

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes about the file, one line each; complete after it was read to its end."""
        notes = []
        if self._track.interlaced:
            notes.append("it is interlaced: every two fields became one picture")
        if self._ended and not self._options.loop:
            notes += self._missing()
        return tuple(notes)

    def read(self) -> Frame | None:
        """The next frame; None at the end."""
        if self._cancelled:
            return None
        frame = next(self._frames, None)
        self._ended = frame is None and not self._cancelled
        return frame

    def cancel(self) -> None:
        """Ends the file."""
        self._cancelled = True

    def close(self) -> None:
        """Closes the file."""
        self._cancelled = True
        self._frames.close()
        self._track.close()

    def _describe(self) -> SourceInfo:
        track, stream = self._track, self._track.stream
        decoded = track.frames()
        first = next(decoded, None)
        if first is None:
            raise InputError(f"{self._address}: no frame could be decoded: the file is damaged or cut off")
        self._frames = self._read_all(chain([first], decoded))
        height, width = self._upright(first[0])[0].shape[:2]
        duration = track.container.duration
        origin = Path(self._address) if is_local(self._address) and not self._options.loop else None
        return SourceInfo(
            name=self._address,
            live=False,
            width=width,
            height=height,
            rate=track.rate,
            time_base=stream.time_base,
            frame_count=None if self._options.loop else stream.frames or None,
            duration_seconds=duration / 1e6 if duration else None,
            audio=origin if track.container.streams.audio else None,
            origin=origin,
            aspect=self._upright.aspect_of(first[0]),
            alpha=has_alpha(first[0]),
        )

    def _read_all(self, decoded: Iterator[tuple[VideoFrame, float]]) -> Generator[Frame, None, None]:
        """All frames; repeated with `loop`."""
        while True:
            yield from self._converted(decoded)
            if not self._options.loop or self._cancelled or self._index == 0:
                return
            self._offset_seconds += self._end_seconds
            self._track.close()
            self._track = Track(self._address, container=self._options.container)
            decoded = self._track.frames()

    def _converted(self, decoded: Iterator[tuple[VideoFrame, float]]) -> Iterator[Frame]:
        for picture, seconds in decoded:
            if self._cancelled:
                return
            image, alpha = self._upright(picture)
            self._end_seconds = seconds + float(1 / (self._track.rate or DEFAULT_RATE))
            index, self._index = self._index, self._index + 1
            yield Frame(image, index, seconds + self._offset_seconds, time.monotonic(), alpha)

    def _missing(self) -> list[str]:
        """A note if the file ends before its header says, as after a broken download."""
        if self.info.frame_count is not None:
            return self._missing_frames(self.info.frame_count)
        wanted = self._promised_seconds()
        if wanted is not None and self._end_seconds < (1 - MISSING_SHARE) * wanted:
            shown = f"{self._end_seconds:.1f} of {wanted:.1f}"
            return [f"only {shown} seconds could be read: the file is damaged or cut off"]
        if self._track.damaged_end or self._breaks_off():
            return ["its last frames are damaged: the file is damaged or cut off"]
        return []

    def _breaks_off(self) -> bool:
        """Whether a transport stream ends inside a packet; FFmpeg does not always notice a missing part."""
        if self._track.container.format.name != "mpegts" or self.info.origin is None:
            return False
        return all(self.info.origin.stat().st_size % size for size in TRANSPORT_PACKETS)

    def _missing_frames(self, wanted: int) -> list[str]:
        """A note if there are fewer frames than the header says.

        Also checks the length: a clip that was trimmed without encoding counts frames that are never shown.
        """
        frames, seconds, rate = self._index, self.info.duration_seconds, self.info.rate
        least = 1 - MISSING_SHARE
        if not seconds or not rate or frames >= least * wanted or frames / float(rate) >= least * seconds:
            return []
        return [f"only {frames} of {wanted} frames could be read: the file is damaged or cut off"]

    def _promised_seconds(self) -> float | None:
        """Duration of the video by the file's header, None when it is not given."""
        said = _CLOCK.fullmatch(self._track.stream.metadata.get("DURATION", ""))
        if said is not None:
            hours, minutes, seconds = map(float, said.groups())
            return hours * 3600 + minutes * 60 + seconds
        return self.info.duration_seconds if self.info.audio is None else None
