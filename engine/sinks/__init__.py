"""Sinks: outputs of results.

out.mp4 .mov .mkv .webm       encoded file, the source's audio carried over
picture.png                        one picture
folder/, frames/%06d.png           pictures
display://                         window with HUD and keys
http://127.0.0.1:8080              web page
rtmp://... rtsp://...              pushed to a server
vcam://                            virtual camera
ndi://NAME                         sent over the network by NDI
osc://127.0.0.1:9000               no picture: obeys Open Sound Control
null://                            nothing
"""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import UsageError
from ..frame import IMAGE_SUFFIXES
from .base import EncodeOptions, Sink
from .pictures import is_sequence, one_picture, picture_folder, picture_sequence
from .simple import FunctionSink, MailboxSink, NullSink
from .video_file import FORMATS, VideoFileSink
from .web.options import RecordingQuota, WebOptions

__all__ = [
    "EncodeOptions",
    "FunctionSink",
    "MailboxSink",
    "NullSink",
    "RecordingQuota",
    "Sink",
    "WebOptions",
    "open_sink",
]


def open_sink(
    address: str | os.PathLike[str], *, options: EncodeOptions | None = None, web: WebOptions | None = None
) -> Sink:
    """Creates the sink for an address.

    Args:
        address: See the table above.
        options: Codec, quality, audio of encoded sinks.
        web: Token, certificate and limits of a web page.

    Raises:
        UsageError: The kind of address is unknown.
    """
    text = os.fspath(address)
    scheme, separator, _ = text.partition("://")
    if separator:
        if scheme == "null":
            return NullSink()
        if scheme == "display":
            from .window import WindowSink

            return WindowSink()
        if scheme in ("http", "https"):
            from .web.sink import WebSink

            return WebSink(text, options=web)
        if scheme in ("rtmp", "rtmps", "rtsp"):
            from .push import PushSink

            return PushSink(text, options=options)
        if scheme == "ndi":
            from .ndi import NdiSink

            return NdiSink(text)
        if scheme == "osc":
            from .osc import OscSink

            return OscSink(text)
        if scheme == "vcam":
            from .virtual_camera import VirtualCameraSink

            return VirtualCameraSink(text)
        raise UsageError(f"'{text}': unknown kind of output '{scheme}://'")
    return _file_sink(text, options)


def _file_sink(text: str, options: EncodeOptions | None) -> Sink:
    path = Path(text)
    suffix = path.suffix.lower()
    if suffix in FORMATS:
        return VideoFileSink(path, options=options)
    if suffix in IMAGE_SUFFIXES:
        return picture_sequence(text) if is_sequence(text) else one_picture(path)
    if not suffix or path.is_dir():
        return picture_folder(path)
    known = ", ".join(sorted([*FORMATS, *IMAGE_SUFFIXES]))
    raise UsageError(f"'{text}': unknown kind of file '{suffix}'; expected one of {known}, or a folder")
