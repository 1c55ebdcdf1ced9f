"""The source's audio, carried over into an encoded file: copied where the container takes it, else encoded again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..sources.opening import open_container

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import OutputContainer

COPIED = {
    "mp4": {"aac", "mp3", "mp3float", "ac3", "eac3", "alac", "opus", "flac"},
    "mov": {"aac", "mp3", "mp3float", "ac3", "eac3", "alac", "pcm_s16le"},
    "webm": {"opus", "vorbis"},
}
ENCODED_AS = {"webm": "libopus"}
OPUS_RATE = 48000
AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
#: What both encoders take, by the number of channels; other numbers become the next smaller one.
LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}
# Audio stands in the file at most so long before the picture that it belongs to.
AHEAD_SECONDS = 0.5


class AudioCarrier:
    """Takes the audio track of `path` that players play into `output`, in step with the pictures.

    Args:
        output: An open container; nothing was written to it yet.
        path: A file with audio.
        start_seconds: Time in the source at which the pictures begin.
    """

    def __init__(self, output: OutputContainer, *, path: Path, start_seconds: float = 0.0) -> None:
        self._output = output
        self._input = open_container(str(path))
        picture = self._input.streams.best("video")
        track: Any = self._input.streams.best("audio", related=picture)
        self._track = track
        self._start_seconds = (self._input.start_time or 0) / 1e6 + start_seconds
        self._from_the_middle = start_seconds > 0
        if self._from_the_middle:
            self._input.seek(round(self._start_seconds * 1e6))
        copied = COPIED.get(output.format.name)
        self._copies = (copied is None or self._track.codec_context.name in copied) and not _is_adts(track)
        self._stream: Any = self._add_stream()
        self._packets = self._copy() if self._copies else self._encode()
        self._next: tuple[float, Any] | None = next(self._packets, None)

    def write_until(self, seconds: float | None) -> None:
        """Writes all audio up to a time in the output; None writes the rest."""
        while self._next is not None and (seconds is None or self._next[0] <= seconds + AHEAD_SECONDS):
            self._output.mux(self._next[1])
            self._next = next(self._packets, None)

    def close(self) -> None:
        """Closes the input."""
        self._input.close()

    def _add_stream(self) -> Any:
        if self._copies:
            return self._output.add_stream_from_template(self._track)
        codec = ENCODED_AS.get(self._output.format.name, "aac")
        rate = OPUS_RATE if codec == "libopus" else _aac_rate(self._track.rate)
        channels = max(count for count in LAYOUTS if count <= max(1, self._track.channels))
        return self._output.add_stream(codec, rate=rate, layout=LAYOUTS[channels])

    def _copy(self) -> Iterator[tuple[float, Any]]:
        for packet in self._input.demux(self._track):
            if packet.dts is None:
                continue
            seconds = float(packet.dts * packet.time_base) - self._start_seconds
            if self._from_the_middle and seconds < 0:
                continue
            shift = round(self._start_seconds / packet.time_base)
            packet.dts -= shift
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.stream = self._stream
            yield seconds, packet

    def _encode(self) -> Iterator[tuple[float, Any]]:
        import av

        context = self._stream.codec_context
        resampler = av.AudioResampler(
            format=context.format,
            layout=context.layout,
            rate=context.rate,
            frame_size=context.frame_size or 1024,
        )
        for frame in chain(self._decoded(), [None]):
            for resampled in resampler.resample(frame):
                for packet in self._stream.encode(resampled):
                    yield float((packet.dts or 0) * packet.time_base), packet
        for packet in self._stream.encode(None):
            yield float((packet.dts or 0) * packet.time_base), packet

    def _decoded(self) -> Iterator[AudioFrame]:
        """The decoded sound, with the times of the output."""
        for frame in self._input.decode(self._track):
            if frame.pts is not None:
                frame.pts -= round(self._start_seconds / frame.time_base)
                if self._from_the_middle and frame.pts < 0:
                    continue
            yield frame


def _is_adts(track: Any) -> bool:
    """Whether the track is AAC as broadcasts have it: a header in every packet, which MP4 and MOV refuse."""
    context = track.codec_context
    return bool(context.name == "aac" and not context.extradata)


def _aac_rate(rate: int) -> int:
    """The largest sample rate in Hz that AAC knows and that is no larger than the track's."""
    return next((known for known in AAC_RATES if known <= rate), AAC_RATES[-1])
