"""Opens video files safely: only local files by path, and no playlists that refer to other files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from av.container import InputContainer

# Demuxers that read a single file. Playlists and scripts (hls, concat, dash, imf) would open other files.
CONTAINERS = (
    "mov,matroska,avi,mpegts,mpeg,mpegvideo,ogg,flv,asf,mxf,nut,gif,dv,rm,wtv,ivf,yuv4mpegpipe,"
    "h264,hevc,m4v,obu"
)
NETWORK_TIMEOUTS_SECONDS = (10.0, 5.0)


def file_address(path: str | os.PathLike[str]) -> str:
    """The path in a form that FFmpeg treats as a file, even with colons."""
    return f"file:{os.fspath(path)}"


def is_local(address: str) -> bool:
    """Whether an address is a path: it has no scheme such as http://."""
    return "://" not in address


def open_container(address: str, container: str | None = None) -> InputContainer:
    """Opens a video by its path or URL; a path opens no other file.

    Args:
        address: A path, or the URL of a file.
        container: FFmpeg's name of the only demuxer that may open it; None finds it out.

    Raises:
        InputError: The file is missing, empty, unreadable, not a video, or a playlist.
    """
    import av

    local = is_local(address)
    if local:
        _check_file(Path(address))
    try:
        return av.open(
            file_address(address) if local else address,
            format=container,
            options=_only_this_file() if local else {},
            timeout=None if local else NETWORK_TIMEOUTS_SECONDS,
        )
    except av.error.ArgumentError as error:
        raise InputError(
            f"{address}: playlists and scripts are not opened: give the video files themselves"
        ) from error
    except (av.error.FFmpegError, OSError) as error:
        raise InputError(f"{address}: not a readable video: {_reason(error)}") from error


def _only_this_file() -> dict[str, str]:
    return {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}


def _check_file(path: Path) -> None:
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty (0 bytes)")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path}: no permission to read it")


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error)
