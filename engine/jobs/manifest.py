"""The manifest of a batch: one line of JSON for every finished file, so a second run continues the first.

    {"input": "a/photo.jpg", "bytes": 8123, "modified_ns": 17…, "look": "5f0c…", "output": "a/photo.jpg", …}

Lines are only appended; the last line of a file counts. A line that was cut off by a crash is ignored.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import OutputError

NAME = "artrt-batch.jsonl"


@dataclass(frozen=True)
class BatchManifest:
    """The manifest of one batch.

    Args:
        source: Folder of the inputs; names are relative to it.
        destination: Folder of the outputs and the manifest.
        look: Fingerprint of the look; files with another fingerprint are processed again.
    """

    source: Path
    destination: Path
    look: str

    @property
    def path(self) -> Path:
        """The path of the manifest."""
        return self.destination / NAME

    def finished(self) -> set[Path]:
        """Inputs that are finished: same size and time, same look, and the output exists."""
        latest = {entry["input"]: entry for entry in self._entries()}
        return {self.source / name for name, entry in latest.items() if self._holds(entry)}

    def add(self, file: Path, output: Path, **facts: object) -> None:
        """Appends a line for a finished file, or for a failed one if `facts` has an "error".

        Raises:
            OutputError: The manifest cannot be written.
        """
        entry = {
            "input": file.relative_to(self.source).as_posix(),
            "output": output.relative_to(self.destination).as_posix(),
            "look": self.look,
            **_identity(file),
            **facts,
        }
        try:
            self.destination.mkdir(parents=True, exist_ok=True)
            with open(self.path, "a", encoding="utf-8") as lines:
                lines.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error.strerror or error}") from error

    def end_last_line(self) -> None:
        """Ends a line that a crash cut off, so that the next line is valid."""
        if self.path.is_file() and self.path.stat().st_size:
            with open(self.path, "rb+") as file:
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")

    def _entries(self) -> list[dict[str, Any]]:
        if not self.path.is_file():
            return []
        entries = []
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            entry = _parsed(line)
            if entry is not None:
                entries.append(entry)
        return entries

    def _holds(self, entry: dict[str, Any]) -> bool:
        if "error" in entry or entry.get("look") != self.look:
            return False
        if not (self.destination / str(entry.get("output"))).is_file():
            return False
        return _identity(self.source / entry["input"]) == {
            key: entry.get(key) for key in ("bytes", "modified_ns")
        }


def _identity(path: Path) -> dict[str, int | None]:
    """Size and modification time, which identify a version of a file; None if it does not exist."""
    try:
        facts = path.stat()
    except OSError:
        return {"bytes": None, "modified_ns": None}
    return {"bytes": facts.st_size, "modified_ns": facts.st_mtime_ns}


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and isinstance(entry.get("input"), str) else None
