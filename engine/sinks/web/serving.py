"""What every page needs to be served: an address, a socket, a token, and settings of uvicorn."""

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
    """What clients must show: what was asked for, else a made-up one where others than this machine reach the page.

    Raises:
        UsageError: A token that does not fit into an address.
    """
    token = options.token or (None if is_loopback(host) else secrets.token_urlsafe(24))
    if token is not None and not _TOKEN.fullmatch(token):
        raise UsageError("a token has 8 to 128 letters, digits, and . _ ~ -")
    return token


def is_secure(options: WebOptions) -> bool:
    """Whether the page is served over TLS.

    Raises:
        UsageError: Half a certificate.
    """
    if (options.ssl_cert is None) != (options.ssl_key is None):
        raise UsageError("https needs both --ssl-cert and --ssl-key")
    return options.ssl_cert is not None


def page_url(host: str, port: int, *, secure: bool) -> str:
    """Where a page is, without its token."""
    name = own_address(host) if host in EVERY_ADDRESS else host
    shown = f"[{name}]" if ":" in name else name
    return f"{'https' if secure else 'http'}://{shown}:{port}/"


def listening(host: str, port: int, *, name: str, send_buffer_bytes: int | None = None) -> socket.socket:
    """A socket that is bound; port 0 takes a free one.

    Args:
        host: Address to listen at.
        port: Its port.
        name: What to call it in errors.
        send_buffer_bytes: Of every connection; None leaves it to the system.

    Raises:
        OutputError: The address is taken, or not this machine's.
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
    """How uvicorn serves a page.

    Args:
        app: ASGI application.
        options: Certificate; names that a proxy is reached by.
        name: What to call the page in errors.
        settings: Further settings of `uvicorn.Config`.

    Raises:
        OutputError: The certificate cannot be read.
    """
    import uvicorn

    from .connections import PatientProtocol

    # Without a handler the logging module would print every malformed request on stderr.
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=PatientProtocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        # Only with --allow-host is a proxy expected; uvicorn believes one on this machine, or those of the variable
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
