"""Pushes the picture to an RTMP or RTSP server."""

from __future__ import annotations

import contextlib
from typing import Any

from ..addresses import redacted
from ..errors import OutputError
from ..result import Result
from ..sources import SourceInfo
from .base import EncodeOptions
from .encoder import VideoEncoder, prove_encoder

TIMEOUT_SECONDS = (5.0, 1.5)
# Time-out in microseconds for a server that accepts the connection but does not answer.
PROTOCOL = {"rtsp": {"rtsp_transport": "tcp"}, "flv": {"rw_timeout": "3000000"}}


class PushSink:
    """Encodes for low latency and sends to a server.

    Args:
        address: rtmp://host/app/key or rtsp://host:port/path.
        options: Codec and bit rate; 3 Mbit/s if neither quality nor bit rate is set.
    """

    live = True
    main_thread = False

    def __init__(self, address: str, *, options: EncodeOptions | None = None) -> None:
        self.name = redacted(address)
        self._address = address
        self._options = options or EncodeOptions(bitrate=3_000_000)
        self._format = "rtsp" if address.startswith("rtsp") else "flv"
        self._container: Any = None
        self._encoder: VideoEncoder | None = None
        self._info: SourceInfo | None = None
        self._first_seconds = 0.0

    def open(self, info: SourceInfo) -> None:
        """Checks the encoder.

        Raises:
            OutputError: It does not work.
        """
        prove_encoder(self._options.codec or "libx264")
        # Live timestamps are capture times, which need a finer unit than a frame.
        self._info = SourceInfo(info.name, True, rate=info.rate)

    def write(self, result: Result) -> None:
        """Encodes and sends one result; connects at the first one.

        Raises:
            OutputError: The server refuses the connection or was lost.
        """
        import av

        try:
            if self._encoder is None:
                self._connect(result)
            assert self._encoder is not None
            self._encoder.write(result.image, result.time_seconds - self._first_seconds)
        except (av.error.FFmpegError, OSError) as error:
            raise OutputError(f"{self.name}: cannot be reached: {error}") from error

    def close(self, *, completed: bool) -> None:
        """Sends the rest and disconnects; raises no second error for a lost server."""
        if self._container is not None:
            with contextlib.suppress(Exception):
                if self._encoder is not None:
                    self._encoder.flush()
            with contextlib.suppress(Exception):
                self._container.close()

    def _connect(self, result: Result) -> None:
        import av

        assert self._info is not None
        self._container = av.open(
            self._address,
            "w",
            format=self._format,
            container_options=PROTOCOL[self._format],
            timeout=TIMEOUT_SECONDS,
        )
        height, width = result.image.shape[:2]
        self._encoder = VideoEncoder(
            self._container,
            info=self._info,
            width=width,
            height=height,
            options=self._options,
            low_latency=True,
        )
        self._first_seconds = result.time_seconds
