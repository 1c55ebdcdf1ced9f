"""Common parts of the web servers: address, socket, token, and settings of uvicorn."""

from __future__ import annotations

import logging
import re
import secrets
import socket
from typing import Any

from ...errors import OutputError, UsageError
from .hosts import is_loopback
from .options import WebOptions

EVERY_ADDRESS = ("0.0.0.0", "::")
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{8,128}")


def token_of(options: WebOptions, *, host: str) -> str | None:
    """The required token: the given one, or a generated one if other machines can reach the page.

    Raises:
        UsageError: The token cannot be part of an address.
    """
    token = options.token or (None if is_loopback(host) else secrets.token_urlsafe(24))
    if token is not None and not _TOKEN.fullmatch(token):
        raise UsageError("a token must have 8 to 128 letters, digits, and . _ ~ -")
    return token


def is_secure(options: WebOptions) -> bool:
    """Whether the page is served over TLS.

    Raises:
        UsageError: Only one of certificate and key is given.
    """
    if (options.ssl_cert is None) != (options.ssl_key is None):
        raise UsageError("https needs both --ssl-cert and --ssl-key")
    return options.ssl_cert is not None


def page_url(host: str, port: int, *, secure: bool) -> str:
    """The address of a page, without its token."""
    name = own_address(host) if host in EVERY_ADDRESS else host
    shown = f"[{name}]" if ":" in name else name
    return f"{'https' if secure else 'http'}://{shown}:{port}/"


def listening(host: str, port: int, *, name: str, send_buffer_bytes: int | None = None) -> socket.socket:
    """Binds a socket; port 0 chooses a free port.

    Args:
        host: Address to listen on.
        port: Its port.
        name: Name in errors.
        send_buffer_bytes: Send buffer of every connection; None uses the system's default.

    Raises:
        OutputError: The address is in use, or does not belong to this machine.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if send_buffer_bytes is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise OutputError(f"{name}: cannot listen there: {error.strerror or error}") from error
    return listener


def uvicorn_config(app: Any, *, options: WebOptions, name: str, **settings: Any) -> Any:
    """The configuration of uvicorn for a page.

    Args:
        app: ASGI application.
        options: Certificate, and host names of a proxy.
        name: Name of the page in errors.
        settings: Further settings of `uvicorn.Config`.

    Raises:
        OutputError: The certificate cannot be read.
    """
    import uvicorn

    from .connections import PatientProtocol

    # Without a handler, the logging module would print every malformed request to stderr.
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=PatientProtocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # A proxy is expected only with --allow-host; uvicorn trusts a proxy on this machine, or those in the variable
        # FORWARDED_ALLOW_IPS.
        proxy_headers=bool(options.hosts),
        timeout_keep_alive=5,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=16 * 1024,
        ssl_certfile=options.ssl_cert,
        ssl_keyfile=options.ssl_key,
        **settings,
    )
    try:
        config.load()
    except OSError as error:
        raise OutputError(f"{name}: the certificate cannot be used: {error}") from error
    return config


def own_address(host: str) -> str:
    """An address for other machines if the page listens on all addresses; otherwise the machine's name."""
    family, elsewhere = (
        (socket.AF_INET6, "2001:db8::1")
        if ":" in host
        else (socket.AF_INET, "192.0.2.1")  # an address range for documentation
    )
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((elsewhere, 9))  # sends nothing, only selects the network interface
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
