"""Sources of frames.

0, /dev/video0, v4l2:///dev/video0    USB camera (OpenCV)
csi://0                               Jetson's camera connector (GStreamer)
gst:PIPELINE                          any GStreamer pipeline
rtsp:// http:// rtmp:// udp://        network streams (FFmpeg); an http URL that ends in a video's suffix is a file
clip.mp4, picture.jpg, folder/, *.png files (PyAV, OpenCV, Pillow), animations (.gif .webp .png .avif) among them
test://640x360@30                     a moving photograph
screen://                             the desktop (mss)
ndi://NAME                            another program's picture, by NDI (cyndilib)
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import UsageError
from ..pictures.reading import is_moving
from .animation import AnimationSource
from .base import FramePolicy, Size, Source, SourceInfo, SourceOptions
from .capture import csi_pipeline, open_camera, open_gstreamer, open_stream
from .ndi import open_ndi
from .pictures import is_pictures, open_pictures
from .reconnecting import ReconnectingSource
from .scene import open_scene
from .screen import open_screen
from .video import VideoSource

__all__ = ["FramePolicy", "Size", "Source", "SourceInfo", "SourceOptions", "open_source"]

VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".ts", ".webm"})
STREAM_SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "udp", "rtp", "srt", "tcp")


def open_source(
    address: str | int | os.PathLike[str],
    *,
    options: SourceOptions | None = None,
    frames: FramePolicy = "auto",
) -> Source:
    """Opens a source by its address.

    Args:
        address: See the table above.
        options: Size, rate, loop, reconnection.
        frames: "all" makes the test scene wait for its consumer; other sources ignore it.

    Returns:
        An open source; cameras and streams reconnect by themselves.

    Raises:
        UsageError: The kind of address is unknown.
        InputError: It is missing or unreadable.
        MissingExtraError: An optional package is needed.
    """
    options = options or SourceOptions()
    text = os.fspath(address) if not isinstance(address, int) else str(address)
    scheme, separator, rest = text.partition("://")
    if ":" in text and not separator and Path(text).exists():
        return _open_file(text, options)  # a file may be named "gst:1.png"
    if text.isdecimal():
        return _live(partial(open_camera, int(text), options=options), options)
    if text.startswith("/dev/video"):
        return _live(partial(open_camera, text, options=options), options)
    if scheme == "v4l2" and separator:
        return _live(partial(open_camera, _device(text, rest), options=options), options)
    if text.startswith("gst:"):
        return _live(partial(open_gstreamer, text.removeprefix("gst:"), options=options), options)
    if scheme == "csi" and separator:
        pipeline = csi_pipeline(_sensor(text, rest), options=options)
        return _live(partial(open_gstreamer, pipeline, options=options), options)
    if text.startswith("test:"):
        return open_scene(text, options=options, live=frames != "all")
    if text.startswith("screen:"):
        return open_screen(text, options=options)
    if scheme == "ndi" and separator:
        return _live(partial(open_ndi, text, options=options), options)
    if separator and scheme in STREAM_SCHEMES:
        if is_remote_file(text):
            return VideoSource(text, options=options)
        return _live(partial(open_stream, text, options=options), options)
    if separator and scheme not in ("", "file"):
        raise UsageError(f"'{text}': unknown kind of source '{scheme}://'")
    return _open_file(text.removeprefix("file://"), options)


def is_remote_file(address: str) -> bool:
    """True for the http URL of a video file, which is read to its end and not treated as live."""
    parts = urlsplit(address)
    return parts.scheme in ("http", "https") and Path(parts.path).suffix.lower() in VIDEO_SUFFIXES - {".ts"}


def _open_file(path: str, options: SourceOptions) -> Source:
    if is_moving(path):
        return AnimationSource(path, options=options)
    if is_pictures(path):
        return open_pictures(path, options=options)
    return VideoSource(path, options=options)


def _live(opener: Callable[[], Source], options: SourceOptions) -> Source:
    return ReconnectingSource(opener, limit_seconds=options.reconnect_seconds)


def _device(address: str, path: str) -> str:
    if not path.startswith("/"):
        raise UsageError(f"'{address}': expected v4l2:// and a device, as in v4l2:///dev/video0")
    return path


def _sensor(address: str, number: str) -> int:
    if number and not number.isdecimal():
        raise UsageError(f"'{address}': expected csi://N, as in csi://0")
    return int(number or 0)
