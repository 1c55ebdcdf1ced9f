"""Settings of the web page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WebOptions:
    """How the page is served.

    Args:
        token: What a client must show; None makes one up when the address is not this machine's own.
        ssl_cert: Certificate chain (PEM) for https.
        ssl_key: Its private key (PEM).
        max_clients: Pictures are streamed to at most so many at once.
        jpeg_quality: 1 to 100.
        hosts: Further names that the page may be asked for by (behind a proxy).
    """

    token: str | None = None
    ssl_cert: Path | None = None
    ssl_key: Path | None = None
    max_clients: int = 64
    jpeg_quality: int = 80
    hosts: tuple[str, ...] = ()
