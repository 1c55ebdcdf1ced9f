"""Settings of the web page."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..recording import RecordingLimits

EACH = RecordingLimits(seconds=3600.0, bytes=2 * 10**9, free_bytes=10**9)


@dataclass(frozen=True, slots=True)
class RecordingQuota:
    """Limits of recordings by viewers of the page.

    Args:
        folder: Folder of recordings.
        count: Largest number of kept recordings; then one must be deleted first.
        bytes: Largest total size of kept recordings.
        each: Limits of one recording.
    """

    folder: Path = field(default_factory=Path)
    count: int = 20
    bytes: int = 4 * 10**9
    each: RecordingLimits = EACH


@dataclass(frozen=True, slots=True)
class WebOptions:
    """Options of the page.

    Args:
        token: Required from clients; None generates one if other machines can reach the address.
        ssl_cert: Certificate chain (PEM) for https.
        ssl_key: Its private key (PEM).
        max_clients: Largest number of streams; one address gets at most half of them.
        jpeg_quality: 1 to 100.
        hosts: Further accepted host names (behind a proxy).
        recordings: Limits of recordings.
    """

    token: str | None = None
    ssl_cert: Path | None = None
    ssl_key: Path | None = None
    max_clients: int = 64
    jpeg_quality: int = 80
    hosts: tuple[str, ...] = ()
    recordings: RecordingQuota = field(default_factory=RecordingQuota)
