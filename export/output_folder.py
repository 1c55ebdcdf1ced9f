"""The folder of an artefact: checked before the build, filled under a temporary name, then renamed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..engine.errors import OutputError
from ..engine.zoo.artefact import is_artefact


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """Yields a temporary folder that replaces `folder` on success and is removed on failure.

    Args:
        folder: Absolute path; an existing artefact is replaced.

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
    """Checks before a long build that the folder can be written.

    Raises:
        OutputError: The folder was not written by artrt, or cannot be written.
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
