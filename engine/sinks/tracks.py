"""Transfers one track of the source to an encoded file: copied if the container supports it, else converted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.container import OutputContainer

Timed = Iterator[tuple[float, Any]]
"""Packets for the output, each with its output time in seconds."""

# Codecs by output format; a format that is not listed accepts all codecs.
COPIED_SOUND = {
    "mp4": {"aac", "mp3", "mp3float", "ac3", "eac3", "alac", "opus", "flac"},
    "mov": {"aac", "mp3", "mp3float", "ac3", "eac3", "alac", "pcm_s16le"},
    "webm": {"opus", "vorbis"},
}
ENCODED_AS = {"webm": "libopus"}
OPUS_RATE = 48000
AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
#: Layouts that both encoders support, by number of channels; other numbers are reduced to the next smaller one.
LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}

PLAIN_TEXT = {"srt", "subrip", "text"}
COPIED_SUBTITLES = {
    "matroska": PLAIN_TEXT | {"ass", "ssa", "webvtt", "pgssub", "dvdsub", "dvbsub"},
    "mp4": {"mov_text"},
    "mov": {"mov_text"},
    "webm": {"webvtt"},
}
#: (format, source codec) -> FFmpeg's bitstream filter, or none, and the resulting codec.
CONVERTED_SUBTITLES = {
    **{(name, codec): ("text2movsub", "mov_text") for name in ("mp4", "mov") for codec in PLAIN_TEXT},
    **{("webm", codec): ("", "webvtt") for codec in PLAIN_TEXT},
    ("matroska", "mov_text"): ("mov2textsub", "subrip"),
    ("webm", "mov_text"): ("mov2textsub", "webvtt"),
}
# SubRip markup that WebVTT does not support: colours, sizes, and positions such as "{\\an8}".
_ONLY_SUBRIP = re.compile(r"</?font[^>]*>|\{\\[^}]*\}", re.IGNORECASE)
_NO_MARK = re.compile(r"&|<(?!/?[biu]>)", re.IGNORECASE)


class CopiedTrack:
    """Copies packets, optionally through a bitstream filter, with output times.

    Args:
        source: The track.
        target: The track of the output.
        shift_seconds: Time in the source that is 0 in the output.
        convert: Maps a packet to packets.
    """

    def __init__(
        self,
        source: Any,
        target: Any,
        *,
        shift_seconds: float,
        convert: Callable[[Any], list[Any]] | None = None,
    ) -> None:
        self._target = target
        self._shift = round(shift_seconds / source.time_base)
        self._convert = convert or (lambda packet: [packet])

    def take(self, packet: Any) -> Timed:
        """Converts a packet; an empty packet marks the end."""
        if packet.dts is None:
            return
        packet.dts -= self._shift
        packet.pts = None if packet.pts is None else packet.pts - self._shift
        seconds = float(packet.dts * packet.time_base)
        for converted in self._convert(packet):
            converted.stream = self._target
            yield seconds, converted


class EncodedSound:
    """Transcodes sound that the container does not support.

    Args:
        source: The track.
        target: The track of the output, with its encoder.
        shift_seconds: Time in the source that is 0 in the output.
        from_the_middle: Drop everything before that time.
    """

    def __init__(self, source: Any, target: Any, *, shift_seconds: float, from_the_middle: bool) -> None:
        import av

        context = target.codec_context
        self._target = target
        self._shift_seconds = shift_seconds
        self._from_the_middle = from_the_middle
        self._resampler = av.AudioResampler(
            format=context.format,
            layout=context.layout,
            rate=context.rate,
            frame_size=context.frame_size or 1024,
        )

    def take(self, packet: Any) -> Timed:
        """Converts a packet; an empty packet marks the end."""
        for frame in packet.decode():
            if frame.pts is not None:
                frame.pts -= round(self._shift_seconds / frame.time_base)
                if self._from_the_middle and frame.pts < 0:
                    continue
            yield from self._encoded(frame)
        if packet.size == 0:
            yield from self._encoded(None)
            yield from self._timed(self._target.encode(None))

    def _encoded(self, frame: Any) -> Timed:
        for resampled in self._resampler.resample(frame):
            yield from self._timed(self._target.encode(resampled))

    def _timed(self, packets: list[Any]) -> Timed:
        for packet in packets:
            yield float((packet.dts or 0) * packet.time_base), packet


Track = CopiedTrack | EncodedSound


def sound_track(
    output: OutputContainer, source: Any, *, shift_seconds: float, from_the_middle: bool
) -> Track:
    """Adds an audio track to the output: copied, or encoded as AAC or Opus with the same channels."""
    name = output.format.name
    copied = COPIED_SOUND.get(name)
    if (copied is None or source.codec_context.name in copied) and not _is_adts(source):
        return CopiedTrack(source, output.add_stream_from_template(source), shift_seconds=shift_seconds)
    codec = ENCODED_AS.get(name, "aac")
    rate = OPUS_RATE if codec == "libopus" else _aac_rate(source.rate)
    channels = max(count for count in LAYOUTS if count <= max(1, source.channels))
    target: Any = output.add_stream(codec, rate=rate, layout=LAYOUTS[channels])
    return EncodedSound(source, target, shift_seconds=shift_seconds, from_the_middle=from_the_middle)


def subtitle_track(output: OutputContainer, source: Any, *, shift_seconds: float) -> Track | None:
    """Adds a subtitle track to the output; None if the container does not support it."""
    name, codec = output.format.name, source.codec_context.name if source.codec_context else ""
    if codec in COPIED_SUBTITLES.get(name, ()):
        return CopiedTrack(source, output.add_stream_from_template(source), shift_seconds=shift_seconds)
    if (name, codec) not in CONVERTED_SUBTITLES:
        return None
    converter, becomes = CONVERTED_SUBTITLES[name, codec]
    target = output.add_mux_stream(becomes)
    convert = _converter(converter, source, to_webvtt=becomes == "webvtt")
    return CopiedTrack(source, target, shift_seconds=shift_seconds, convert=convert)


def _converter(name: str, source: Any, *, to_webvtt: bool) -> Callable[[Any], list[Any]]:
    """A function from a source packet to output packets, by FFmpeg's filter of this name, if any."""
    from av.bitstream import BitStreamFilterContext

    filtered: Callable[[Any], list[Any]] = (
        BitStreamFilterContext(name, source).filter if name else lambda packet: [packet]
    )
    if not to_webvtt:
        return filtered
    return lambda packet: [_webvtt(text) for text in filtered(packet) if text.size]  # MP4 fills gaps


def _webvtt(packet: Any) -> Any:
    """Converts a SubRip packet to WebVTT: keeps bold, italic and underline, removes other markup."""
    import av

    text = _ONLY_SUBRIP.sub("", bytes(packet).decode("utf-8", "replace"))
    text = _NO_MARK.sub(lambda sign: "&amp;" if sign[0] == "&" else "&lt;", text)
    cue = av.Packet(text.encode())
    cue.pts, cue.dts, cue.duration, cue.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
    return cue


def _is_adts(track: Any) -> bool:
    """Whether the track is AAC with ADTS headers in every packet, which MP4 and MOV do not support."""
    context = track.codec_context
    return bool(context.name == "aac" and not context.extradata)


def _aac_rate(rate: int) -> int:
    """The largest sample rate in Hz that AAC supports and that is not above the track's."""
    return next((known for known in AAC_RATES if known <= rate), AAC_RATES[-1])
