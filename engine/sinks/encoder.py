"""Encodes pictures to H.264 and VP9 by PyAV, into an open container."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import OutputError
from ..frame import Image, as_image
from ..sources.base import Size, SourceInfo, scaled
from .base import EncodeOptions

if TYPE_CHECKING:
    from av.container import OutputContainer

CODECS = {"mp4": "libx264", "mov": "libx264", "matroska": "libx264", "flv": "libx264", "rtsp": "libx264"}
CODECS |= {"mpegts": "libx264", "webm": "libvpx-vp9"}
# For transparency: the encoder of a container, and the pixel format of an encoder.
ALPHA_CODECS = {"webm": "libvpx-vp9", "matroska": "libvpx-vp9", "mov": "prores_ks"}
ALPHA_LAYOUTS = {"libvpx-vp9": "yuva420p", "prores_ks": "yuva444p10le"}
# Suffixes of hardware encoders' names, and what each encoder needs.
HARDWARE = {
    "_nvenc": "an NVIDIA GPU with NVENC, and its driver",
    "_v4l2m2m": "a V4L2 encoder, as on a Raspberry Pi 4",
    "_vaapi": "a GPU with VA-API, and its driver",
    "_qsv": "an Intel GPU with Quick Sync, and its driver",
    "_videotoolbox": "a Mac",
    "_amf": "an AMD GPU, and its driver",
}
# Seconds between key frames: an incomplete file plays up to the last one, and players seek to them.
KEY_FRAME_SECONDS = 2
FINE_TIME_BASE = Fraction(1, 90000)
# A short look ahead, which libx264's superfast leaves out: nearly the size of veryfast for half its time.
SHORT_LOOK_AHEAD = "mbtree=1:rc-lookahead=10"
# Bilinear with accurate rounding and full chroma; otherwise colours change by two or three levels.
ROUNDED = 0x2 | 0x40000 | 0x2000 | 0x4000
# The limit of H.264 level 6.2 and of all players.
LONGEST_SIDE_PX = 16384


class VideoEncoder:
    """Encodes pictures of one size into a container, as 4:2:0, which every player plays.

    Therefore sides are even: the last row or column of an odd side is dropped.

    Args:
        container: An open output, to which nothing was written yet.
        info: The source; rate, time base and pixel aspect ratio are kept.
        width: Pixels of the first picture; later ones are scaled to it.
        height: Pixels.
        options: Codec, quality.
        low_latency: No look-ahead, no reordering; a key frame every two seconds.

    Raises:
        OutputError: There is no such encoder, or it does not accept the size.
    """

    def __init__(
        self,
        container: OutputContainer,
        *,
        info: SourceInfo,
        width: int,
        height: int,
        options: EncodeOptions,
        low_latency: bool = False,
    ) -> None:
        from av.video.reformatter import VideoReformatter

        self._container = container
        self._size = Size(*even(width, height))
        self._time_base = info.time_base or FINE_TIME_BASE
        self._rate = info.rate or Fraction(options.rate).limit_denominator(1001)
        codec = options.codec or _usual_codec(container.format.name, alpha=info.alpha)
        self._keeps_alpha = info.alpha and codec in ALPHA_LAYOUTS and not low_latency
        self.lost_alpha = False
        self._stream: Any = self._add_stream(codec, options, aspect=info.aspect, low_latency=low_latency)
        self._last_pts = -1
        self._reformatter = VideoReformatter()

    def write(self, image: Image, time_seconds: float, *, alpha: Image | None = None) -> None:
        """Encodes one picture.

        Args:
            image: uint8 [H, W, 3], BGR.
            time_seconds: Presentation time.
            alpha: Transparency, uint8 [H, W]; `lost_alpha` is set if it cannot be kept.
        """
        import av
        from av.video.reformatter import ColorRange, Colorspace

        pts = max(round(time_seconds / self._time_base), self._last_pts + 1)
        pixels, layout = self._pixels(image, alpha)
        whole = np.require(pixels, requirements=["C", "W"])
        packed = av.VideoFrame.from_numpy_buffer(whole, format=layout)  # no copy
        picture = self._reformatter.reformat(
            packed,
            format=self._stream.pix_fmt,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=ROUNDED,
            threads=1,
        )
        picture.pts, picture.time_base = pts, self._time_base
        picture.duration = max(1, round(1 / (self._rate * self._time_base)))
        self._last_pts = pts
        self._mux(picture)

    def flush(self) -> None:
        """Writes the packets that the encoder still has."""
        self._mux(None)

    def _pixels(self, image: Image, alpha: Image | None) -> tuple[Image, str]:
        """The picture in the video's size, and FFmpeg's name of its pixel format."""
        image = scaled(_cropped(image), self._size)
        if not self._keeps_alpha:
            self.lost_alpha = self.lost_alpha or (alpha is not None and int(alpha.min()) < 255)
            return image, "bgr24"
        if alpha is None:
            alpha = np.full(image.shape[:2], 255, np.uint8)
        return as_image(np.dstack([image, scaled(_cropped(alpha), self._size)])), "bgra"

    def _mux(self, picture: Any) -> None:
        for packet in self._stream.encode(picture):
            self._container.mux(packet)

    def _add_stream(self, codec: str, options: EncodeOptions, *, aspect: Fraction, low_latency: bool) -> Any:
        import av

        width, height = self._size.width, self._size.height or 0
        if max(width, height) > LONGEST_SIDE_PX:
            raise OutputError(
                f"video of {width}x{height} pixels: no encoder takes more than {LONGEST_SIDE_PX}"
            )
        settings = codec_settings(codec, options, low_latency=low_latency, alpha=self._keeps_alpha)
        try:
            stream: Any = self._container.add_stream(codec, rate=self._rate, options=settings)
        except (av.error.FFmpegError, ValueError) as error:
            raise OutputError(f"encoder '{codec}' cannot be used for this output: {error}") from error
        context = stream.codec_context
        stream.width, stream.height = width, height
        stream.pix_fmt = ALPHA_LAYOUTS[codec] if self._keeps_alpha else "yuv420p"
        context.sample_aspect_ratio = aspect
        context.time_base = self._time_base
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
        context.color_range = 1  # limited
        context.gop_size = max(1, round(KEY_FRAME_SECONDS * self._rate))
        if options.bitrate:
            context.bit_rate = options.bitrate
        if low_latency:
            context.max_b_frames = 0
        try:
            context.open()
        except (av.error.FFmpegError, OSError, ValueError) as error:
            raise OutputError(f"encoder '{codec}' does not start for {width}x{height}: {error}") from error
        return stream


def _usual_codec(container: str, *, alpha: bool) -> str:
    usual = CODECS.get(container, "libx264")
    return ALPHA_CODECS.get(container, usual) if alpha else usual


def even(width: int, height: int) -> tuple[int, int]:
    """Width and height of the video for pictures of this size."""
    return max(2, width - width % 2), max(2, height - height % 2)


def _cropped(image: Image) -> Image:
    height, width = image.shape[:2]
    columns, rows = even(width, height)
    return image if (rows, columns) == (height, width) else np.ascontiguousarray(image[:rows, :columns])


def codec_settings(
    codec: str, options: EncodeOptions, *, low_latency: bool, alpha: bool = False
) -> dict[str, str]:
    """Private options of an encoder, by FFmpeg's names."""
    if codec == "prores_ks":
        return {"profile": "4444"} if alpha else {}
    quality = {} if options.bitrate else {"crf": str(options.quality)}
    if codec == "libx264" and options.preset == "superfast" and not low_latency:
        return quality | {"preset": options.preset, "x264-params": SHORT_LOOK_AHEAD}
    if codec in ("libx264", "libx265"):
        return quality | {"preset": options.preset} | ({"tune": "zerolatency"} if low_latency else {})
    if codec == "libvpx-vp9":
        speed = {"deadline": "realtime" if low_latency else "good", "cpu-used": "6", "row-mt": "1"}
        speed |= {"auto-alt-ref": "0"} if alpha else {}  # not supported with transparency
        return speed | ({"crf": str(options.quality + 12), "b": "0"} if not options.bitrate else {})
    if codec.endswith("_nvenc"):
        quality = {} if options.bitrate else {"rc": "vbr", "cq": str(options.quality)}
        return quality | {"preset": "p4"} | ({"tune": "ull", "zerolatency": "1"} if low_latency else {})
    return {}


def prove_encoder(codec: str) -> None:
    """Tests a hardware encoder by encoding a few pictures.

    Raises:
        OutputError: There is no such encoder, or its hardware is missing.
    """
    import av

    try:
        av.codec.Codec(codec, "w")
    except (av.error.FFmpegError, ValueError) as error:
        raise OutputError(f"no encoder '{codec}' in this FFmpeg; usual ones: libx264, libvpx-vp9") from error
    needs = next((what for mark, what in HARDWARE.items() if codec.endswith(mark)), None)
    if needs is None:
        return
    try:
        packets = sum(1 for _ in _trial(codec))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise OutputError(
            f"hardware encoder '{codec}' does not work here: it needs {needs} ({error}); libx264 always works"
        ) from error
    if packets == 0:
        raise OutputError(f"hardware encoder '{codec}' gave no picture in a trial; libx264 always works")


def _trial(codec: str) -> Iterator[object]:
    import av

    context: Any = av.CodecContext.create(codec, "w")
    context.width, context.height, context.pix_fmt = 640, 352, "yuv420p"
    context.time_base = Fraction(1, 30)
    for index in range(4):
        picture = av.VideoFrame(640, 352, "yuv420p")
        picture.pts = index
        yield from context.encode(picture)
    yield from context.encode(None)
