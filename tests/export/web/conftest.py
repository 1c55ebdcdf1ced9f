"""Sites of the tiny zoo: with a runtime made up for the test, or the real one where it is."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from artrt.export.web import runtime


@pytest.fixture
def false_runtime(tmp_path, monkeypatch) -> Path:
    """A folder of runtime files of a few bytes, whose hashes are the pinned ones."""
    folder = tmp_path / "false-runtime"
    folder.mkdir()
    for build in ("WASM", "WEBGPU"):
        pinned = []
        for file in getattr(runtime, build):
            data = f"// {file.name}\n".encode()
            (folder / file.name).write_bytes(data)
            pinned.append(replace(file, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data)))
        monkeypatch.setattr(runtime, build, tuple(pinned))
    return folder


@pytest.fixture(scope="session")
def real_runtime() -> Path:
    """onnxruntime-web: $ARTRT_WEB_RUNTIME, or what `artrt models pull onnxruntime-web` left in the user's cache."""
    platformdirs = pytest.importorskip("platformdirs")
    usual = Path(platformdirs.user_cache_dir("artrt", appauthor=False)) / "weights"
    path = Path(os.environ.get("ARTRT_WEB_RUNTIME") or usual / "onnxruntime-web-1.30.0.tgz")
    if not path.exists():
        pytest.skip("needs onnxruntime-web (artrt models pull onnxruntime-web, or set ARTRT_WEB_RUNTIME)")
    return path
