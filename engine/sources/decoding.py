"""Decodes a video track: frames in presentation order with presentation times.

packets ──decoder──> frames ──(AVI: times of the packets)──(interlaced: bwdif)──> frames
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .container import open_container

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

# After this many damaged frames in a row, decoding stops.
TOLERATED_ERRORS = 25
# A damaged frame among this many last frames means that the file is cut off.
TAIL_FRAMES = 16
DEFAULT_RATE = Fraction(25)


class Track:
    """Decodes the main video track of a file: the best of several, never a cover picture.

    Args:
        address: A path, or the URL of a file.
        container: FFmpeg's name of the only demuxer that may open it; None detects it.

    Raises:
        InputError: Missing, empty, or no video.

    Attributes:
        interlaced: Whether the track is interlaced; its frames are deinterlaced.
        damaged_end: Whether one of the last frames was damaged.
    """

    def __init__(self, address: str, *, container: str | None = None) -> None:
        self._address = address
        self.container: InputContainer = open_container(address, container)
        stream: Any = self.container.streams.best("video")
        if stream is None:
            self.container.close()
            raise InputError(f"{address}: there is no video track in this file")
        self.stream = stream
        self.stream.thread_type = "AUTO"
        self.interlaced = False
        self._tail: deque[bool] = deque(maxlen=TAIL_FRAMES)
        self._decoder = _decoder(stream)
        self._start_seconds = (self.container.start_time or 0) / 1e6
        self._closed = False

    @property
    def damaged_end(self) -> bool:
        """Whether one of the last frames was damaged."""
        return any(self._tail)

    @property
    def rate(self) -> Fraction | None:
        """Frames per second, None when unknown."""
        rate = self.stream.average_rate or self.stream.guessed_rate
        return Fraction(rate) if rate else None

    def frames(self) -> Iterator[tuple[VideoFrame, float]]:
        """All frames with their presentation times in seconds from the start of the file."""
        step_seconds = float(1 / (self.rate or DEFAULT_RATE))
        seconds = -step_seconds
        for decoded in self._whole_pictures():
            known = decoded.time is not None
            seconds = decoded.time - self._start_seconds if known else seconds + step_seconds
            yield decoded, seconds

    def close(self) -> None:
        """Stops `frames` and closes the file."""
        self._closed = True
        self.container.close()

    def _whole_pictures(self) -> Iterator[VideoFrame]:
        """Deinterlaced frames: all frames from the first interlaced one on go through the deinterlacer."""
        weaver: Deinterlacer | None = None
        for decoded in self._timed():
            self._tail.append(bool(decoded.is_corrupt))
            if decoded.interlaced_frame and weaver is None:
                weaver = Deinterlacer(self.stream.time_base)
                self.interlaced = True
            if weaver is None:
                yield decoded
            else:
                yield from weaver(decoded)
        if weaver is not None:
            yield from weaver(None)

    def _timed(self) -> Iterator[VideoFrame]:
        """Frames with times. AVI stores decoding times, not presentation times: the k-th frame gets the k-th time."""
        if self.container.format.name != "avi":
            yield from (decoded for _, decoded in self._decoded())
            return
        times: deque[int] = deque()
        for packet, decoded in self._decoded(times):
            decoded.pts = times.popleft() if times else None
            decoded.time_base = packet.time_base or self.stream.time_base
            yield decoded

    def _decoded(self, times: deque[int] | None = None) -> Iterator[tuple[Any, VideoFrame]]:
        import av

        errors = 0
        packets = self.container.demux(self.stream)
        while not self._closed:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                if times is not None and packet.dts is not None:
                    times.append(packet.dts)
                for decoded in self._decoder(packet):
                    errors = 0
                    yield packet, decoded
            except av.error.EOFError:
                return
            except (av.error.FFmpegError, OSError) as error:
                errors += 1
                if errors > TOLERATED_ERRORS:
                    raise InputError(f"{self._address}: cannot be decoded any further: {error}") from error


class Deinterlacer:
    """Deinterlaces frames by FFmpeg's bwdif, one picture per frame; progressive frames stay unchanged.

    Args:
        time_base: Unit of the frames' times.
    """

    def __init__(self, time_base: Fraction) -> None:
        self._time_base = time_base
        self._graph: Any = None
        self._kind: tuple[Any, ...] = ()

    def __call__(self, decoded: VideoFrame | None) -> Iterator[VideoFrame]:
        """Adds a frame and returns the frames that are ready; None flushes."""
        if decoded is not None:
            kind = (decoded.width, decoded.height, decoded.format.name)
            if kind != self._kind:
                yield from self._drained()
                self._graph, self._kind = self._made(decoded), kind
        if self._graph is None:
            return
        self._graph.push(decoded)
        yield from self._ready()

    def _made(self, decoded: VideoFrame) -> Any:
        import av

        graph = av.filter.Graph()
        source = graph.add_buffer(
            width=decoded.width, height=decoded.height, format=decoded.format, time_base=self._time_base
        )
        graph.link_nodes(
            source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink")
        ).configure()
        return graph

    def _drained(self) -> Iterator[VideoFrame]:
        if self._graph is not None:
            self._graph.push(None)
            yield from self._ready()

    def _ready(self) -> Iterator[VideoFrame]:
        import av

        while True:
            try:
                yield self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return


def _decoder(stream: Any) -> Any:
    """The decoder of a stream: libvpx for VP8 and VP9, because FFmpeg's own decoders ignore transparency."""
    import av

    if stream.metadata.get("alpha_mode") != "1" or stream.codec_context.name not in ("vp8", "vp9"):
        return lambda packet: packet.decode()
    context: Any = av.CodecContext.create(
        "libvpx-vp9" if stream.codec_context.name == "vp9" else "libvpx", "r"
    )
    context.extradata = stream.codec_context.extradata
    return lambda packet: context.decode(packet if packet.size else None)
