"""`http://HOST:PORT`: the web page as a sink, with a server in its own thread."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from ...errors import MissingExtraError, OutputError, UsageError
from ...result import Result
from ...sources import SourceInfo
from ..player import Player
from .hub import Hub
from .options import WebOptions
from .serving import is_secure, listening, page_url, token_of, uvicorn_config
from .tokens import Tokens

STOP_SECONDS = 2.0
START_SECONDS = 10.0
HANDSHAKE_SECONDS = 5.0
SEND_BUFFER_BYTES = 128 * 1024


class WebSink:
    """Shows results on a web page that controls the player.

    Args:
        address: http://127.0.0.1:8080; port 0 chooses a free port.
        options: Token, certificate, limits.

    Raises:
        UsageError: The address is invalid, or only one of certificate and key is given.
    """

    live = True
    main_thread = False

    def __init__(self, address: str, *, options: WebOptions | None = None) -> None:
        parts = urlsplit(address)
        try:
            port = parts.port
        except ValueError as error:
            raise UsageError(f"'{address}': the port is a number up to 65535") from error
        if parts.path not in ("", "/") or not parts.hostname:
            raise UsageError(f"'{address}': expected http://HOST:PORT")
        self._options = options or WebOptions()
        self._secure = is_secure(self._options)
        if parts.scheme == "https" and not self._secure:
            raise UsageError(f"'{address}': https needs --ssl-cert and --ssl-key")
        self._host = parts.hostname
        self._port = 8080 if port is None else port
        self.token = token_of(self._options, host=self._host)
        self.name = address
        self._hub = Hub(jpeg_quality=self._options.jpeg_quality)
        self._player: Player | None = None
        self._server: Any = None
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    @property
    def url(self) -> str:
        """The page's address without the token."""
        return page_url(self._host, self._port, secure=self._secure)

    @property
    def announcement(self) -> str:
        """One line with the page's address and token."""
        if not self.token:
            return f"the page is at {self.url}"
        stream = f"{self.url}stream.mjpg?token={Tokens(self.token).stream}"
        return f"the page is at {self.url}?token={self.token} (for video players, view only: {stream})"

    def attach(self, player: Player) -> None:
        """Sets the player to control."""
        self._player = player

    def open(self, info: SourceInfo) -> None:
        """Starts the server.

        Raises:
            MissingExtraError: The extra `serve` is not installed.
            OutputError: The address is in use, or the certificate cannot be read.
        """
        try:
            import uvicorn

            from .app import Site
            from .security import Guard
        except ImportError as error:
            raise MissingExtraError(
                "the web page", package=error.name or "starlette", extra="serve"
            ) from error
        assert self._player is not None
        # Connections inherit the buffer: the system's own would queue seconds of old pictures for a slow viewer.
        self._socket = listening(self._host, self._port, name=self.name, send_buffer_bytes=SEND_BUFFER_BYTES)
        self._port = self._socket.getsockname()[1]
        site = Site(self._player, hub=self._hub, options=self._options)
        guard = Guard(site.app(), token=self.token, hosts=self._options.hosts, secure=self._secure)
        config = uvicorn_config(guard, options=self._options, name=self.name, ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, args=(site,), name="artrt web", daemon=True)
        self._thread.start()
        self._await_start()

    def write(self, result: Result) -> None:
        """Shows the newest result to the viewers.

        Raises:
            OutputError: The server failed.
        """
        if self._failure is not None:
            raise OutputError(f"{self.name}: the server failed: {self._failure}") from self._failure
        self._hub.put(result)

    def close(self, *, completed: bool) -> None:
        """Stops the server and disconnects viewers."""
        self._hub.close()
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
        if self._socket is not None:
            self._socket.close()

    def _serve(self, site: Any) -> None:
        async def main() -> None:
            loop = asyncio.get_running_loop()
            self._hub.attach_loop(loop)
            if (
                self._secure
            ):  # asyncio would wait a minute for each connection, and uvicorn has no setting for it
                loop.create_server = partial(  # type: ignore[method-assign]
                    loop.create_server, ssl_handshake_timeout=HANDSHAKE_SECONDS
                )
            await self._server.serve(sockets=[self._socket])
            await site.close()

        try:
            asyncio.run(main())
        except BaseException as error:
            self._failure = error

    def _await_start(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if self._failure is not None or time.monotonic() > deadline:
                raise OutputError(
                    f"{self.name}: the server does not start: {self._failure}"
                ) from self._failure
            time.sleep(0.01)
