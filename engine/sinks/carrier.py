"""Copies everything except the pictures from a video file into an encoded output.

Sound, subtitles, attached fonts, chapters, languages, title, dates and place; reports what the container cannot store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..sources.container import open_container
from .tracks import Timed, Track, sound_track, subtitle_track

if TYPE_CHECKING:
    from av.container import OutputContainer

# Sound is written at most this many seconds before its picture.
AHEAD_SECONDS = 0.5
# Tags that a muxer writes itself, or that are valid only for the source.
OF_THE_CONTAINER = {"encoder", "major_brand", "minor_version", "compatible_brands", "duration"}
# Tags with their own boxes in MP4 and MOV; others are stored as free tags.
COMMON_TAGS = {
    "album", "album_artist", "artist", "comment", "composer", "copyright", "creation_time", "date", "description",
    "genre", "grouping", "location", "lyrics", "show", "synopsis", "title", "track",
}  # fmt: skip
# QuickTime numbers languages; FFmpeg finds the numbers of these by their other name in ISO 639 only.
QUICKTIME_LANGUAGES = {
    "deu": "ger", "ell": "gre", "isl": "ice", "nld": "dut", "sqi": "alb", "zho": "chi",
}  # fmt: skip


class Carrier:
    """Copies everything except the pictures of `path` into an output, in step with the pictures.

    Args:
        path: A video file.
        start_seconds: Time in the source of the first picture.
        audio: Keep sound.
        metadata: Keep title, dates, place and other tags.
    """

    def __init__(
        self, path: Path, *, start_seconds: float = 0.0, audio: bool = True, metadata: bool = True
    ) -> None:
        self._input = open_container(str(path))
        self._shift_seconds = (self._input.start_time or 0) / 1e6 + start_seconds
        self._from_the_middle = start_seconds > 0
        self._audio = audio
        self._tags = _tags(self._input.metadata) if metadata else {}
        self._titles = metadata
        self._tracks: dict[int, Track] = {}
        self._dropped: Counter[str] = Counter()
        self._packets: Iterator[tuple[float, Any]] = iter(())
        self._next: tuple[float, Any] | None = None

    @property
    def has_free_tags(self) -> bool:
        """Whether there is metadata that MP4 stores only as free tags, as phones write them."""
        return any(name.lower().partition("-")[0] not in COMMON_TAGS for name in self._tags)

    @property
    def dropped(self) -> str:
        """What the output cannot store: "2 subtitle tracks (dvdsub), 1 data track"; empty if it stores everything."""
        return ", ".join(f"{count} {what}" for what, count in self._dropped.items() if count)

    def attach(self, output: OutputContainer) -> None:
        """Adds all tracks to an output; call it before anything is written."""
        picture: Any = self._input.streams.best("video")
        for stream in self._in_order(picture):
            if stream.type == "attachment" and output.format.name == "matroska":
                output.add_attachment(stream.name or "attachment", stream.mimetype or "", stream.data)
                continue
            place = len(output.streams)
            track = self._added(output, stream)
            if track is None:
                self._dropped[_described(stream)] += 1
            else:
                self._tracks[stream.index] = track
                self._label(output, stream, output.streams[place])
        if self._input.chapters() and self._dropped["data track"]:
            self._dropped["data track"] -= 1  # titles of chapters, which are written separately
        output.metadata.update(self._tags)
        if not self._from_the_middle:
            output.set_chapters(self._input.chapters())
        if self._from_the_middle:
            self._input.seek(round(self._shift_seconds * 1e6))
        self._packets = self._carried()
        self._next = next(self._packets, None)

    def write_until(self, output: OutputContainer, seconds: float | None) -> None:
        """Writes all packets up to a time in the output; None writes the rest."""
        while self._next is not None and (seconds is None or self._next[0] <= seconds + AHEAD_SECONDS):
            output.mux(self._next[1])
            self._next = next(self._packets, None)

    def close(self) -> None:
        """Closes the input."""
        self._input.close()

    def _in_order(self, picture: Any) -> list[Any]:
        """All other tracks; the default audio track first."""
        best = self._input.streams.best("audio", related=picture)
        others = [stream for stream in self._input.streams if stream not in (picture, best)]
        ordered = others if best is None else [best, *others]
        return [stream for stream in ordered if not self._is_unwanted(stream)]

    def _is_unwanted(self, stream: Any) -> bool:
        """Sound, if not requested, and time codes, which are valid only for the source's pictures."""
        return (stream.type == "audio" and not self._audio) or "timecode" in stream.metadata

    def _added(self, output: OutputContainer, stream: Any) -> Track | None:
        """The output track for this track's packets, or None."""
        if stream.type == "audio":
            return sound_track(
                output, stream, shift_seconds=self._shift_seconds, from_the_middle=self._from_the_middle
            )
        if stream.type == "subtitle":
            return subtitle_track(output, stream, shift_seconds=self._shift_seconds)
        return None

    def _label(self, output: OutputContainer, source: Any, target: Any) -> None:
        for name in ("language", "title") if self._titles else ("language",):
            if name in source.metadata:
                target.metadata[name] = source.metadata[name]
        if output.format.name == "mov" and "language" in target.metadata:
            spoken = target.metadata["language"]
            target.metadata["language"] = QUICKTIME_LANGUAGES.get(spoken, spoken)
        target.disposition = source.disposition

    def _carried(self) -> Timed:
        if not self._tracks:
            return
        streams = [stream for stream in self._input.streams if stream.index in self._tracks]
        for packet in self._input.demux(*streams):
            for seconds, carried in self._tracks[packet.stream.index].take(packet):
                if not self._from_the_middle or seconds >= 0:
                    yield seconds, carried


def _tags(metadata: dict[str, str]) -> dict[str, str]:
    return {name: text for name, text in metadata.items() if name.lower() not in OF_THE_CONTAINER}


def _described(stream: Any) -> str:
    """Describes a track, for the note that it is lost."""
    codec = stream.codec_context.name if stream.codec_context else ""
    what = "cover picture" if _is_cover(stream) else f"{stream.type} track"
    return f"{what} ({codec})" if codec and stream.type == "subtitle" else what


def _is_cover(stream: Any) -> bool:
    from av.stream import Disposition

    return stream.type == "video" and bool(stream.disposition & Disposition.attached_pic)
