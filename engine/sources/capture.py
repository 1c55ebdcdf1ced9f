"""Cameras, streams and GStreamer pipelines through OpenCV.

The reader thread of the pipeline calls `read` continuously, so the buffers of the driver and of FFmpeg stay empty
and a frame is never old.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..addresses import redacted
from ..errors import InputError
from ..frame import Frame, Image, as_image
from .base import SourceInfo, SourceOptions, scaled

OPEN_TIMEOUT_MS = 5000
# `read` returns at least this often, so that a pipeline with a silent stream ends within two seconds.
READ_TIMEOUT_MS = 1000
# A stream without frames for this long counts as lost.
SILENCE_SECONDS = 5.0
# Number of channels of a camera's pictures -> conversion to BGR.
CONVERSIONS = {1: cv2.COLOR_GRAY2BGR, 2: cv2.COLOR_YUV2BGR_YUYV, 3: None, 4: cv2.COLOR_BGRA2BGR}


class CaptureSource:
    """Reads frames from a `cv2.VideoCapture`.

    Args:
        opener: Opens the device; called once.
        name: Name of the source; passwords are removed.
        options: Size, rate.
        silence_seconds: After this time without a frame, the source counts as lost.

    Raises:
        InputError: It cannot be opened or gives no picture.
    """

    reconnects = 0

    def __init__(
        self,
        opener: Callable[[], cv2.VideoCapture],
        *,
        name: str,
        options: SourceOptions,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._name = redacted(name)
        self._options = options
        self._silence_seconds = silence_seconds
        self._cancelled = False
        self._index = 0
        self._capture = opener()
        self._started = time.monotonic()
        first = self._capture.read()[1] if self._capture.isOpened() else None
        if first is None:
            self._capture.release()
            raise InputError(f"{self._name}: cannot be opened, or gives no picture")
        self._pending: Image | None = _as_bgr(first)
        self.info = self._describe(scaled(self._pending, options.size))

    def read(self) -> Frame | None:
        """The next frame; None when the device has ended."""
        image = self._pending if self._pending is not None else self._wait()
        self._pending = None
        if image is None or self._cancelled:
            return None
        captured = time.monotonic()
        index, self._index = self._index, self._index + 1
        return Frame(scaled(image, self._options.size), index, captured - self._started, captured)

    def cancel(self) -> None:
        """Makes `read` return None."""
        self._cancelled = True

    def close(self) -> None:
        """Releases the device."""
        self._cancelled = True
        self._capture.release()

    def _wait(self) -> Image | None:
        """The next picture; tries again while the stream is slow but not ended."""
        deadline = time.monotonic() + self._silence_seconds
        while not self._cancelled:
            asked = time.monotonic()
            good, image = self._capture.read()
            if good and image is not None:
                return _as_bgr(image)
            # A failure before the time-out means the end, not silence.
            now = time.monotonic()
            if now - asked < READ_TIMEOUT_MS / 1e3 * 0.9 or now > deadline:
                return None
        return None

    def _describe(self, image: Image) -> SourceInfo:
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        height, width = image.shape[:2]
        return SourceInfo(
            name=self._name,
            live=True,
            width=width,
            height=height,
            rate=Fraction(fps).limit_denominator(1001) if 1 <= fps <= 1000 else None,
            time_base=Fraction(1, 90000),
        )


def open_camera(device: int | str, *, options: SourceOptions) -> CaptureSource:
    """Opens a USB camera by number or device path; requests MJPG, which reaches the full rate over USB 2."""
    # OpenCV's other backends that accept a number or path do not support MJPG.
    direct = cv2.videoio_registry.hasBackend(cv2.CAP_V4L2)

    def opener() -> cv2.VideoCapture:
        capture = cv2.VideoCapture(device, cv2.CAP_V4L2 if direct else cv2.CAP_ANY)
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        if options.size is not None and options.size.height is not None:
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, options.size.width)
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, options.size.height)
        if options.fps is not None:
            capture.set(cv2.CAP_PROP_FPS, options.fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return capture

    name = f"camera {device}" if isinstance(device, int) else device
    return CaptureSource(opener, name=name, options=options)


def open_stream(address: str, *, options: SourceOptions) -> CaptureSource:
    """Opens rtsp://, http://, rtmp:// or udp:// through FFmpeg."""

    def opener() -> cv2.VideoCapture:
        limits = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            OPEN_TIMEOUT_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            READ_TIMEOUT_MS,
        ]
        return cv2.VideoCapture(address, cv2.CAP_FFMPEG, limits)

    return CaptureSource(opener, name=address, options=options)


def open_gstreamer(pipeline: str, *, options: SourceOptions) -> CaptureSource:
    """Opens a GStreamer pipeline; `appsink` is appended when it is missing.

    Raises:
        InputError: This OpenCV was built without GStreamer, or the pipeline gives no picture.
    """
    if not cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER):
        raise InputError(
            "GStreamer sources need an OpenCV that was built with GStreamer (JetPack's is; the one from PyPI is not): "
            "remove opencv-python and use the system's python3-opencv"
        )
    if "appsink" not in pipeline:
        pipeline += " ! videoconvert ! video/x-raw,format=BGR ! appsink drop=true max-buffers=1 sync=false"
    return CaptureSource(lambda: cv2.VideoCapture(pipeline, cv2.CAP_GSTREAMER), name="gst", options=options)


def csi_pipeline(sensor: int, *, options: SourceOptions) -> str:
    """The GStreamer pipeline of a Jetson's CSI camera."""
    size = options.size
    width, height = (size.width, size.height) if size is not None and size.height else (1280, 720)
    rate = Fraction(options.fps or 30).limit_denominator(1001)
    return (
        f"nvarguscamerasrc sensor-id={sensor} ! "
        f"video/x-raw(memory:NVMM),width={width},height={height},framerate={rate.numerator}/{rate.denominator} ! "
        "nvvidconv ! video/x-raw,format=BGRx ! videoconvert ! video/x-raw,format=BGR ! "
        "appsink drop=true max-buffers=1 sync=false"
    )


def _as_bgr(picture: cv2.typing.MatLike) -> Image:
    """Converts a camera's picture to uint8 [H, W, 3] BGR: grey, with alpha, YUYV, or 16 bits per channel.

    Raises:
        InputError: Another format.
    """
    image: NDArray[Any] = np.asarray(picture)
    if image.dtype == np.uint16:
        image = ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
    channels = image.shape[2] if image.ndim == 3 else 1
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or channels not in CONVERSIONS:
        raise InputError(
            f"the camera gives {image.dtype} {list(image.shape)}, which is not a supported picture format"
        )
    conversion = CONVERSIONS[channels]
    return as_image(image if conversion is None else cv2.cvtColor(image, conversion))
