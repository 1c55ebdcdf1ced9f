"""`vcam://`: a virtual camera for other programs, by pyvirtualcam."""

from __future__ import annotations

from typing import Any

from ..errors import MissingExtraError, OutputError
from ..result import Result
from ..sources import SourceInfo
from ..sources.base import Size, scaled

HELP = (
    "on Linux load the module first (sudo modprobe v4l2loopback devices=1 exclusive_caps=1); "
    "on Windows and macOS install OBS and start its virtual camera once"
)


class VirtualCameraSink:
    """Shows results on a virtual camera.

    Args:
        address: `vcam://` for the first free device, or `vcam:///dev/video2`.
    """

    live = True
    main_thread = False

    def __init__(self, address: str) -> None:
        self.name = address
        self._device = address.removeprefix("vcam://") or None
        self._camera: Any = None
        self._rate = 30.0

    def open(self, info: SourceInfo) -> None:
        """Checks for pyvirtualcam and a device.

        Raises:
            MissingExtraError: pyvirtualcam is not installed.
            OutputError: There is no virtual camera.
        """
        self._rate = float(info.rate or 30)
        if info.width and info.height:
            self._start(info.width, info.height)

    def write(self, result: Result) -> None:
        """Shows one result, scaled to the size of the first one."""
        if self._camera is None:
            self._start(*result.image.shape[1::-1])
        self._camera.send(scaled(result.image, Size(self._camera.width, self._camera.height)))

    def close(self, *, completed: bool) -> None:
        """Frees the device."""
        if self._camera is not None:
            self._camera.close()

    def _start(self, width: int, height: int) -> None:
        try:
            import pyvirtualcam
        except ImportError as error:
            raise MissingExtraError("vcam://", package="pyvirtualcam", extra="vcam") from error
        try:
            self._camera = pyvirtualcam.Camera(
                width=width,
                height=height,
                fps=self._rate,
                device=self._device,
                fmt=pyvirtualcam.PixelFormat.BGR,
            )
        except (RuntimeError, ValueError) as error:
            raise OutputError(f"{self.name}: no virtual camera: {error}; {HELP}") from error
