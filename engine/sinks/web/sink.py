"""`http://HOST:PORT`: the page as a sink, with a server in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
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
from .hosts import is_loopback
from .hub import Hub
from .options import WebOptions
from .tokens import Tokens

STOP_SECONDS = 2.0
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{8,128}")
START_SECONDS = 10.0
HANDSHAKE_SECONDS = 5.0
SEND_BUFFER_BYTES = 128 * 1024
EVERY_ADDRESS = ("0.0.0.0", "::")


class WebSink:
    """Shows results on a web page and lets it steer what plays.

    Args:
        address: http://127.0.0.1:8080; port 0 takes a free one.
        options: Token, certificate, limits.

    Raises:
        UsageError: Not such an address, or half a certificate.
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
        if (self._options.ssl_cert is None) != (self._options.ssl_key is None):
            raise UsageError("https needs both --ssl-cert and --ssl-key")
        self._secure = self._options.ssl_cert is not None
        if parts.scheme == "https" and not self._secure:
            raise UsageError(f"'{address}': https needs --ssl-cert and --ssl-key")
        self._host = parts.hostname
        self._port = 8080 if port is None else port
        self.token = self._options.token or (None if is_loopback(self._host) else secrets.token_urlsafe(24))
        if self.token is not None and not _TOKEN.fullmatch(self.token):
            raise UsageError("a token has 8 to 128 letters, digits, and . _ ~ -")
        self.name = address
        self._hub = Hub(jpeg_quality=self._options.jpeg_quality)
        self._player: Player | None = None
        self._server: Any = None
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    @property
    def url(self) -> str:
        """Where the page is, without the token."""
        name = own_address(self._host) if self._host in EVERY_ADDRESS else self._host
        host = f"[{name}]" if ":" in name else name
        return f"{'https' if self._secure else 'http'}://{host}:{self._port}/"

    @property
    def announcement(self) -> str:
        """The address for the user, with the token."""
        if not self.token:
            return f"the page is at {self.url}"
        stream = f"{self.url}stream.mjpg?token={Tokens(self.token).stream}"
        return f"the page is at {self.url}?token={self.token} (for players, which only look: {stream})"

    def attach(self, player: Player) -> None:
        """Gets what the page steers."""
        self._player = player

    def open(self, info: SourceInfo) -> None:
        """Starts the server.

        Raises:
            MissingExtraError: The extra `serve` is not installed.
            OutputError: The address is taken, or the certificate is not readable.
        """
        try:
            import uvicorn

            from .app import Site
            from .connections import PatientProtocol
            from .security import Guard
        except ImportError as error:
            raise MissingExtraError(
                "the web page", package=error.name or "starlette", extra="serve"
            ) from error
        # Without a handler the logging module would print every malformed request on stderr.
        logging.getLogger("uvicorn").addHandler(logging.NullHandler())
        assert self._player is not None
        self._socket = self._bind()
        site = Site(self._player, hub=self._hub, options=self._options)
        guard = Guard(site.app(), token=self.token, hosts=self._options.hosts, secure=self._secure)
        config = uvicorn.Config(
            guard,
            loop="asyncio",
            http=PatientProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            # Only with --allow-host is a proxy expected; uvicorn believes one on this machine, or those of the
            # variable FORWARDED_ALLOW_IPS.
            proxy_headers=bool(self._options.hosts),
            timeout_keep_alive=5,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=16 * 1024,
            ssl_certfile=self._options.ssl_cert,
            ssl_keyfile=self._options.ssl_key,
        )
        try:
            config.load()
        except OSError as error:
            raise OutputError(f"{self.name}: the certificate cannot be used: {error}") from error
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, args=(site,), name="artrt web", daemon=True)
        self._thread.start()
        self._await_start()

    def write(self, result: Result) -> None:
        """Gives the newest result to the viewers.

        Raises:
            OutputError: The server died.
        """
        if self._failure is not None:
            raise OutputError(f"{self.name}: the server failed: {self._failure}") from self._failure
        self._hub.put(result)

    def close(self, *, completed: bool) -> None:
        """Stops the server; viewers are cut off."""
        self._hub.close()
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
        if self._socket is not None:
            self._socket.close()

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit it: left alone, the system would queue seconds of old pictures for a slow viewer.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        try:
            listener.bind((self._host, self._port))
        except OSError as error:
            listener.close()
            raise OutputError(f"{self.name}: cannot listen there: {error.strerror or error}") from error
        self._port = listener.getsockname()[1]
        return listener

    def _serve(self, site: Any) -> None:
        async def main() -> None:
            loop = asyncio.get_running_loop()
            self._hub.attach_loop(loop)
            if self._secure:  # asyncio would wait a minute for each, and uvicorn has no setting for it
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


def own_address(host: str) -> str:
    """An address by which other machines reach a page that listens at all of them; the machine's name at worst."""
    family, elsewhere = (
        (socket.AF_INET6, "2001:db8::1")
        if ":" in host
        else (socket.AF_INET, "192.0.2.1")  # for documentation only
    )
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((elsewhere, 9))  # sends nothing: it only chooses the way
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
