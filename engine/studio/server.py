"""Serves the studio in a thread of its own, behind the same guard as the page of a live source."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import threading
import time
from types import TracebackType
from typing import Any

from ..errors import ArtrtError, MissingExtraError, OutputError, UsageError
from ..sinks import WebOptions
from ..sinks.web.hosts import is_loopback
from ..sinks.web.security import Guard
from ..sinks.web.sink import EVERY_ADDRESS, own_address
from .options import StudioOptions

START_SECONDS = 90.0
STOP_SECONDS = 15.0
# A page asks for a tile of every style at once.
BURST, PER_SECOND = 600.0, 120.0
RUNNING_EACH = 96


class StudioServer:
    """The studio at an address.

    Args:
        host: Address to listen at; others than this machine's own need a token.
        port: 0 takes a free one.
        options: Limits, models, cameras.
        web: Token, certificate.

    Attributes:
        token: What visitors must show, None when nothing.
        folder: The private folder, once it runs.

    Raises:
        UsageError: Half a certificate.
    """

    def __init__(self, host: str, port: int, *, options: StudioOptions, web: WebOptions) -> None:
        if (web.ssl_cert is None) != (web.ssl_key is None):
            raise UsageError("https needs both --ssl-cert and --ssl-key")
        self._host, self._port = host, port
        self._options, self._web = options, web
        self.token = web.token or (None if is_loopback(host) else secrets.token_urlsafe(24))
        self.folder = ""
        self._failure: BaseException | None = None
        self._ended = threading.Event()
        self._server: Any = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    @property
    def url(self) -> str:
        """Where the page is, with the token."""
        name = own_address(self._host) if self._host in EVERY_ADDRESS else self._host
        host = f"[{name}]" if ":" in name else name
        secure = "https" if self._web.ssl_cert is not None else "http"
        return f"{secure}://{host}:{self._port}/" + (f"?token={self.token}" if self.token else "")

    def start(self) -> StudioServer:
        """Loads the models and listens.

        Raises:
            MissingExtraError: The extra `serve` is not installed.
            OutputError: The address is taken, or the certificate is not readable.
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
        logging.getLogger("uvicorn").addHandler(logging.NullHandler())
        listener = self._bind()
        studio = Studio(self._options)
        self.folder = str(studio.folder)
        guard = Guard(
            studio_app(studio),
            token=self.token,
            hosts=self._web.hosts,
            secure=self._web.ssl_cert is not None,
            burst=BURST,
            per_second=PER_SECOND,
            running_each=RUNNING_EACH,
            bodies=upload_limits(studio),
        )
        config = self._config(guard)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._serve, args=(studio, listener), name="artrt studio", daemon=True
        )
        self._thread.start()
        self._await_start()
        return self

    def _config(self, guard: Guard) -> Any:
        """How uvicorn serves the studio.

        Raises:
            OutputError: The certificate is not readable.
        """
        import uvicorn

        from ..sinks.web.connections import PatientProtocol

        config = uvicorn.Config(
            guard,
            loop="asyncio",
            http=PatientProtocol,
            ws="websockets-sansio",
            ws_max_size=4_000_000,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=2 * self._web.max_clients + 64,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=16 * 1024,
            ssl_certfile=self._web.ssl_cert,
            ssl_keyfile=self._web.ssl_key,
        )
        try:
            config.load()
        except OSError as error:
            raise OutputError(f"the certificate cannot be used: {error}") from error
        return config

    def check(self) -> None:
        """Raises what ended the server.

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

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._port))
        except OSError as error:
            listener.close()
            raise OutputError(
                f"{self._host}:{self._port}: cannot listen there: {error.strerror or error}"
            ) from error
        self._port = listener.getsockname()[1]
        return listener

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
