"""Serves the studio in its own thread, behind the same guard as the live page."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from types import TracebackType
from typing import Any

from ..errors import ArtrtError, MissingExtraError, OutputError
from ..sinks import WebOptions
from ..sinks.web.security import Guard
from ..sinks.web.serving import is_secure, listening, page_url, token_of, uvicorn_config
from .options import StudioOptions

START_SECONDS = 90.0
STOP_SECONDS = 15.0
# A page requests a tile of every style at once.
BURST, PER_SECOND = 600.0, 120.0
RUNNING_EACH = 96


class StudioServer:
    """The studio as a web server.

    Args:
        host: Address to listen on; addresses that other machines can reach need a token.
        port: 0 chooses a free port.
        options: Limits, models, cameras.
        web: Token, certificate.

    Attributes:
        token: Required from visitors, or None.
        folder: The private folder, after `start`.

    Raises:
        UsageError: Only one of certificate and key is given, or the token cannot be part of an address.
    """

    def __init__(self, host: str, port: int, *, options: StudioOptions, web: WebOptions) -> None:
        self._secure = is_secure(web)
        self._host, self._port = host, port
        self._options, self._web = options, web
        self.token = token_of(web, host=host)
        self.folder = ""
        self._failure: BaseException | None = None
        self._ended = threading.Event()
        self._server: Any = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def url(self) -> str:
        """The page's address with the token."""
        page = page_url(self._host, self._port, secure=self._secure)
        return page + (f"?token={self.token}" if self.token else "")

    def start(self) -> StudioServer:
        """Loads the models and starts to listen.

        Raises:
            MissingExtraError: The extra `serve` is not installed.
            OutputError: The address is in use, or the certificate cannot be read.
            ArtrtError: The models cannot be loaded.
        """
        try:
            import uvicorn

            from .app import studio_app, upload_limits
            from .studio import Studio
        except ImportError as error:
            raise MissingExtraError(
                "artrt studio", package=error.name or "starlette", extra="serve"
            ) from error
        listener = listening(self._host, self._port, name=f"{self._host}:{self._port}")
        self._port = listener.getsockname()[1]
        studio = Studio(self._options)
        self.folder = str(studio.folder)
        guard = Guard(
            studio_app(studio),
            token=self.token,
            hosts=self._web.hosts,
            secure=self._secure,
            burst=BURST,
            per_second=PER_SECOND,
            running_each=RUNNING_EACH,
            bodies=upload_limits(studio),
        )
        config = uvicorn_config(
            guard,
            options=self._web,
            name="the studio",
            ws="websockets-sansio",
            ws_max_size=4_000_000,
            ws_per_message_deflate=False,
            limit_concurrency=2 * self._web.max_clients + 64,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._serve, args=(studio, listener), name="artrt studio", daemon=True
        )
        self._thread.start()
        self._await_start()
        return self

    def check(self) -> None:
        """Raises the error that ended the server, if any.

        Raises:
            OutputError: The server failed.
        """
        if self._failure is not None:
            raise OutputError(f"the studio failed: {self._failure}") from self._failure

    def close(self) -> None:
        """Stops the server and deletes every visitor's files."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def __enter__(self) -> StudioServer:
        """Starts it."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops it."""
        self.close()

    def _serve(self, studio: Any, listener: socket.socket) -> None:
        async def main() -> None:
            try:
                await studio.open()
                await self._server.serve(sockets=[listener])
            finally:
                await studio.close()

        try:
            asyncio.run(main())
        except BaseException as error:
            self._failure = error
        finally:
            listener.close()
            self._ended.set()

    def _await_start(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if self._ended.is_set() or time.monotonic() > deadline:
                if isinstance(self._failure, ArtrtError):
                    raise self._failure
                raise OutputError(f"the studio does not start: {self._failure}") from self._failure
            time.sleep(0.01)
