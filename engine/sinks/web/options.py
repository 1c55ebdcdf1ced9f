"""Settings of the web page."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..recording import RecordingLimits

EACH = RecordingLimits(seconds=3600.0, bytes=2 * 10**9, free_bytes=10**9)


@dataclass(frozen=True, slots=True)
class RecordingQuota:
    """What viewers of the page may record.

    Args:
        folder: Where recordings go.
        count: Recordings that are kept at once; then one must be deleted first.
        bytes: Of all recordings that are kept.
        each: Where one recording ends.
    """

    folder: Path = field(default_factory=Path)
    count: int = 20
    bytes: int = 4 * 10**9
    each: RecordingLimits = EACH


@dataclass(frozen=True, slots=True)
class WebOptions:
    """How the page is served.

    Args:
        token: What a client must show; None makes one up when the address is not this machine's own.
        ssl_cert: Certificate chain (PEM) for https.
        ssl_key: Its private key (PEM).
        max_clients: Pictures are streamed to at most so many at once; one address gets at most half of them.
        jpeg_quality: 1 to 100.
        hosts: Further names that the page may be asked for by (behind a proxy).
        recordings: What viewers may record.
    """

    token: str | None = None
    ssl_cert: Path | None = None
    ssl_key: Path | None = None
    max_clients: int = 64
    jpeg_quality: int = 80
    hosts: tuple[str, ...] = ()
    recordings: RecordingQuota = field(default_factory=RecordingQuota)
