"""Where an artefact is written: checked before anything is built, filled out of sight, moved to its place when done."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..engine.errors import OutputError
from ..engine.zoo.artefact import is_artefact


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of `folder` when the block ends well and vanishes when it fails.

    Args:
        folder: Absolute; an artefact that is there is replaced.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as parent:
            target = Path(parent) / "artefact"
            target.mkdir()
            yield target
            if folder.exists():
                folder.replace(Path(parent) / "before")
            target.replace(folder)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}") from error


def require_place(folder: Path) -> None:
    """Before anything is built: a long build must not end at a folder that cannot be written.

    Raises:
        OutputError: The folder is not ours, or cannot be written.
    """
    if folder.is_file():
        raise OutputError(f"{folder} is a file; -o names a folder")
    if folder.is_dir() and any(folder.iterdir()) and not is_artefact(folder):
        raise OutputError(f"{folder} is not empty and was not written by artrt export; name another folder")
    existing = next(path for path in folder.absolute().parents if path.exists())
    try:
        tempfile.TemporaryFile(dir=existing).close()
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error.strerror or error}") from error
