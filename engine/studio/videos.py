"""Videos in the worker: checked before decoding, then painted frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2

from ..errors import InputError
from ..frame import Image, reduced
from ..looks.stabilizer import Stabilizer
from ..playing.pipeline import Pipeline
from ..sinks.video_file import VideoFileSink
from ..sources import SourceOptions
from ..sources.video import VideoSource
from ..statistics import Stats
from .look_request import LookRequest
from .options import Limits
from .worker_state import WorkerState

POSTER_PX = 640


def look_at_video(state: WorkerState, *, path: str, container: str, poster: str, **_: Any) -> dict[str, Any]:
    """Checks a video by its packets and writes its first frame as a JPEG.

    Raises:
        InputError: It is not a video of this container, or exceeds a limit.
    """
    facts = _measured(path, container, state.options.limits)
    source = _opened(path, container)
    try:
        frame = source.read()
    finally:
        source.close()
    if frame is None:
        raise InputError("no frame of this video can be decoded")
    height, width = frame.image.shape[:2]
    small = reduced(frame.image, long_side_px=POSTER_PX)
    Path(poster).write_bytes(cv2.imencode(".jpg", small)[1].tobytes())
    return facts | {"width": width, "height": height}


def paint_video(
    state: WorkerState,
    *,
    path: str,
    container: str,
    look: LookRequest,
    target: str,
    frames: int,
    on_progress: Callable[[float], None],
    **_: Any,
) -> dict[str, Any]:
    """Paints a video into an MP4; keeps rate, size and audio.

    Raises:
        InputError: It has more frames than expected, or cannot be decoded.
        OutputError: It cannot be written.
    """
    state.paint.chain.reset()
    pipeline = Pipeline(
        _opened(path, container), [_PainterStage(state, look)], [VideoFileSink(Path(target))], frames="all"
    )

    def report(stats: Stats) -> None:
        on_progress(min(0.99, stats.frames_out / max(1, frames)))

    stats = pipeline.run(on_progress=report)
    if stats.frames_out == 0:
        raise InputError("no frame of this video can be decoded")
    return {"width": stats.width, "height": stats.height, "frames": stats.frames_out}


class _PainterStage:
    """The painter with one look as a stage of a pipeline."""

    name = "style"

    def __init__(self, state: WorkerState, look: LookRequest) -> None:
        self._state, self._look, self._stabilizer = state, look, Stabilizer()

    def __call__(self, image: Image, **controls: Any) -> Image:
        return self._state.paint.next(image, self._look, stabilizer=self._stabilizer)


def _opened(path: str, container: str) -> VideoSource:
    try:
        return VideoSource(path, options=SourceOptions(container=container))
    except InputError as error:
        raise InputError(str(error).replace(path, "the video")) from error


def _measured(path: str, container: str, limits: Limits) -> dict[str, Any]:
    """Size, frames and seconds from the packets, because headers may be wrong."""
    import av

    try:
        with av.open(path, format=container, options={"protocol_whitelist": "file"}) as opened:
            track: Any = opened.streams.best("video")
            if track is None:
                raise InputError("there is no video track in this file")
            if track.width * track.height > limits.video_pixels:
                raise InputError(
                    f"frames of {track.width}x{track.height} are too large: up to {limits.video_pixels} pixels"
                )
            frames, start, end = 0, None, 0.0
            for packet in opened.demux(track):
                if packet.size == 0:
                    continue
                frames += 1
                if packet.pts is not None:
                    seconds = float(packet.pts * packet.time_base)
                    start, end = seconds if start is None else min(start, seconds), max(end, seconds)
                if frames > limits.video_frames or end - (start or 0.0) > limits.video_seconds:
                    raise InputError(f"this video is too long: up to {limits.video_seconds:g} seconds")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError("this is not a readable video") from error
    if frames == 0:
        raise InputError("no frame of this video can be decoded")
    return {"frames": frames, "seconds": round(end - (start or 0.0), 3)}
