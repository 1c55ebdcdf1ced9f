from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from artrt.engine.errors import OutputError
from artrt.engine.files import (
    STALE_SECONDS,
    cache_folder,
    replacing,
    sha256_of,
    temporary_beside,
    write_bytes,
)


def test_file_appears_when_the_block_ends(tmp_path):
    target = tmp_path / "new" / "a.bin"
    with replacing(target) as temporary:
        temporary.write_bytes(b"whole")
        assert not target.exists()
        assert temporary.suffix == ".bin"
    assert target.read_bytes() == b"whole"
    assert list(target.parent.iterdir()) == [target]


def test_failed_block_leaves_the_old_file(tmp_path):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(ValueError, match="on the way"), replacing(target) as temporary:
        temporary.write_bytes(b"half")
        raise ValueError("on the way")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_system_error_in_the_block_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="No space left on device"), replacing(tmp_path / "a.bin"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_folder_of_that_name_is_refused(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        write_bytes(tmp_path / "a", b"")


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc" * 1000)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"abc" * 1000).hexdigest()


def test_cache_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("ARTRT_CACHE_DIR", str(tmp_path))
    assert cache_folder("engines") == tmp_path / "engines"
    monkeypatch.delenv("ARTRT_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    assert cache_folder("engines") == Path("/cache/artrt/engines")


@pytest.mark.parametrize(
    ("age", "number", "kept"), [(2, "ended", False), (0.5, "ended", True), (2, "running", True)]
)
def test_old_parts_of_ended_processes_are_removed(tmp_path, age, number, kept):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        ended = process.pid
    part = temporary_beside(tmp_path / "a.png")
    pid = ended if number == "ended" else os.getppid()
    part = part.with_name(part.name.replace(f"-{os.getpid()}.", f"-{pid}."))
    part.write_bytes(b"half")
    written = part.stat().st_mtime - age * STALE_SECONDS
    os.utime(part, (written, written))
    write_bytes(tmp_path / "a.png", b"whole")
    assert part.exists() == kept
    assert (tmp_path / "a.png").read_bytes() == b"whole"


def test_two_processes_that_write_one_file_leave_one_whole_file(tmp_path):
    code = (
        "import sys; from artrt.engine.files import write_bytes\n"
        "for _ in range(40): write_bytes(sys.argv[1], sys.argv[2].encode() * 200_000)"
    )
    target = tmp_path / "a.bin"
    writers = [subprocess.Popen([sys.executable, "-c", code, target, letter]) for letter in "xy"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        if target.exists():
            seen.add(target.read_bytes())
    assert [writer.wait() for writer in writers] == [0, 0]
    assert seen | {target.read_bytes()} <= {b"x" * 200_000, b"y" * 200_000}
    assert list(tmp_path.iterdir()) == [target]
