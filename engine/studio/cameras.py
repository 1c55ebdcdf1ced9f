"""This machine's cameras; each is opened once for all its viewers, and closed after the last one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..errors import ArtrtError, SourceLostError
from ..result import Result
from ..sinks.web.hub import Hub
from ..sources import Size, Source, SourceOptions, open_source

SHORT_SIDE_PX = 720
STOP_SECONDS = 3.0


class Camera:
    """One source that plays to a hub while it has viewers.

    Args:
        address: A source address, as for `artrt live`.
        loop: The server's event loop.
    """

    def __init__(self, address: str, *, loop: asyncio.AbstractEventLoop) -> None:
        self.hub = Hub(jpeg_quality=90)
        self.hub.attach_loop(loop)
        self.error: ArtrtError | None = None
        self._address = address
        self._source: Source | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._play, name="artrt camera", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops playback; waits briefly for the device."""
        self._stopping.set()
        if self._source is not None:
            self._source.cancel()
        self._thread.join(STOP_SECONDS)

    def _play(self) -> None:
        try:
            self._source = open_source(self._address, options=SourceOptions(size=Size(SHORT_SIDE_PX)))
            while not self._stopping.is_set() and (frame := self._source.read()) is not None:
                self.hub.put(Result(frame, frame.image))
        except ArtrtError as error:
            self.error = error
        finally:
            if self._source is not None:
                self._source.close()
            self.hub.close()


class Cameras:
    """All cameras, by number.

    Args:
        addresses: In the order of the page.
    """

    def __init__(self, addresses: tuple[str, ...]) -> None:
        self._addresses = addresses
        self._open: dict[int, Camera] = {}
        self._viewers: dict[int, int] = {}

    @asynccontextmanager
    async def watched(self, number: int) -> AsyncIterator[Camera]:
        """Context in which a camera is open.

        Raises:
            SourceLostError: There is no such camera.
        """
        if not 0 <= number < len(self._addresses):
            raise SourceLostError("no such camera")
        camera = self._open.get(number)
        if camera is None or camera.hub.closed:
            camera = Camera(self._addresses[number], loop=asyncio.get_running_loop())
            self._open[number] = camera
        self._viewers[number] = self._viewers.get(number, 0) + 1
        try:
            yield camera
        finally:
            self._viewers[number] -= 1
            if self._viewers[number] == 0:
                self._open.pop(number, None)
                await asyncio.to_thread(camera.close)

    async def close(self) -> None:
        """Closes all."""
        for camera in list(self._open.values()):
            await asyncio.to_thread(camera.close)
