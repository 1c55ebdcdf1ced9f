"""Recordings by viewers: within a quota; listed, downloaded and deleted by name."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from ...errors import OutputError, UsageError
from ..player import Player
from ..remote import Remote
from .options import RecordingQuota


class Recordings:
    """The recordings of one page; thread-safe.

    Only files that were recorded here can be downloaded or deleted: names from clients are looked up in a list.

    Args:
        player: The player to record.
        quota: The limits.
    """

    def __init__(self, player: Player, *, quota: RecordingQuota) -> None:
        self._remote = Remote(player, folder=quota.folder, limits=quota.each)
        self._quota = quota
        self._lock = threading.Lock()
        self._files: dict[str, Path] = {}

    @property
    def current(self) -> str | None:
        """The name of the current recording."""
        running = self._remote.recording
        return None if running is None else Path(running).name

    @property
    def problem(self) -> str | None:
        """Why the last recording ended automatically."""
        return self._remote.problem

    def set(self, wanted: bool) -> None:
        """Starts or finishes a recording.

        Raises:
            UsageError: The quota is used up.
            OutputError: It cannot be written.
        """
        with self._lock:
            if wanted == (self._remote.recording is not None):
                return
            if wanted:
                self._check_quota()
            if (started := self._remote.toggle_recording()) is not None:
                self._files[Path(started).name] = Path(started)

    def listed(self) -> list[dict[str, Any]]:
        """Finished recordings: name and size in bytes."""
        running = self.current
        found = []
        for name, path in list(self._files.items()):
            if name != running and path.is_file():
                found.append({"name": name, "bytes": path.stat().st_size})
        return found

    def path(self, name: str) -> Path | None:
        """The file of a finished recording; None if there is none of that name."""
        path = self._files.get(name)
        return path if path is not None and name != self.current and path.is_file() else None

    def delete(self, name: str) -> bool:
        """Deletes a finished recording; False if there is none of that name.

        Raises:
            OutputError: It cannot be deleted.
        """
        path = self.path(name)
        if path is None:
            return False
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{name}: cannot be deleted: {error.strerror}") from error
        self._files.pop(name, None)
        return True

    def _check_quota(self) -> None:
        kept = self.listed()
        if len(kept) >= self._quota.count:
            raise UsageError(f"{len(kept)} recordings are kept, which is the limit: delete one first")
        size = sum(entry["bytes"] for entry in kept)
        if size >= self._quota.bytes:
            raise UsageError(
                f"recordings of {size / 1e9:.1f} GB are kept, which is the limit: delete one first"
            )
