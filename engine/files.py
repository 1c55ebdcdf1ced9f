"""Atomic file writes, file locks, and the cache folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from natsort import natsorted, ns

from .errors import OutputError

STALE_SECONDS = 3600.0


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path beside `path`; renames it to `path` on success and removes it on failure.

    Missing parent folders are made. The temporary name keeps the suffix, because encoders look at it.

    Args:
        path: The file to write.

    Raises:
        OutputError: The folder cannot be made or written, or the file cannot be renamed.
    """
    target = Path(path)
    temporary = temporary_beside(target)
    try:
        if target.is_dir():
            raise IsADirectoryError(f"{target} is a folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(target)
        yield temporary
        temporary.replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        with _ignoring_missing():
            temporary.unlink()


def temporary_beside(path: Path) -> Path:
    """The hidden name of a file that is being written: with this process's id, the same suffix, and always short."""
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]
    return path.with_name(f".artrt-{digest}.partial-{os.getpid()}{path.suffix}")


def leftovers(path: Path) -> list[Path]:
    """Hidden files that processes left when they ended while writing `path`, the newest last.

    A process in another container may have the same id as an ended one here, so a locked file counts as in use.
    """
    start = temporary_beside(path).name.partition(".partial-")[0] + ".partial-"
    found = [
        file
        for file in path.parent.iterdir()
        if file.name.startswith(start)
        and file.suffix == path.suffix
        and not _is_running(file.stem.removeprefix(start))
        and not _is_locked(file)
    ]
    return sorted(found, key=lambda file: file.stat().st_mtime)


def _remove_stale(path: Path) -> None:
    """Removes parts that were left long ago: a process in another container may still write a newer one."""
    for file in leftovers(path):
        with _ignoring_missing():
            if time.time() - file.stat().st_mtime > STALE_SECONDS:
                file.unlink()


def lock(path: Path) -> BinaryIO | None:
    """Locks a file until the returned object is closed; None if the file system has no locks."""
    file = open(path, "rb")  # noqa: SIM115 closed by the caller
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def _is_running(number: str) -> bool:
    try:
        os.kill(int(number), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def _is_locked(path: Path) -> bool:
    try:
        file = lock(path)
    except OSError:
        return True
    if file is not None:
        file.close()
    return file is None


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a file atomically.

    Raises:
        OutputError: The file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def sha256_of(path: str | os.PathLike[str]) -> str:
    """The sha256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def cache_folder(*parts: str) -> Path:
    """The folder for engines, timing caches and downloads: `ARTRT_CACHE_DIR`, else `~/.cache/artrt`.

    Args:
        parts: Names below it. The folder is not made.
    """
    configured = os.environ.get("ARTRT_CACHE_DIR")
    if configured:
        return Path(configured).expanduser().joinpath(*parts)
    home = os.environ.get("XDG_CACHE_HOME")
    base = Path(home) if home else Path.home() / ".cache"
    return base.joinpath("artrt", *parts)


def writable_cache(*parts: str) -> Path | None:
    """A folder for caches, made when it is missing; None where nothing can be written to it.

    Args:
        parts: Names below the folder for caches.
    """
    folder = cache_folder(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # permissions do not show that a disk is mounted read-only
            return folder
    except OSError:
        return None


@contextmanager
def _ignoring_missing() -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        return


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Paths in natural order: 2.png before 10.png, folder by folder."""
    return natsorted(paths, alg=ns.PATH)


def is_hidden(path: Path) -> bool:
    """Whether a file's name begins with a dot, like the "._photo.jpg" files that macOS writes to memory cards."""
    return path.name.startswith(".")
