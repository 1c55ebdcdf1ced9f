"""ONNX Runtime reports nothing unless the user asked it to."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PAINT = """
import os, numpy as np, artrt
with artrt.Stylizer("udnie", provider="cpu") as stylizer:
    stylizer(np.zeros((32, 32, 3), np.uint8))
print(os.environ["ORT_DISABLE_TELEMETRY"], os.environ["ORT_TELEMETRY_DISABLED"])
"""


def painted(tmp_path, **variables):
    plain = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name}
    places = {
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_DATA_HOME": str(tmp_path),
    }
    environment = plain | places | variables
    command = [sys.executable, "-c", PAINT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.split()


def test_a_fresh_home_gets_no_device_id_and_no_database(tmp_path):
    pytest.importorskip("onnxruntime")
    assert painted(tmp_path) == ["1", "1"]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_the_user_set_stays(tmp_path):
    pytest.importorskip("onnxruntime")
    assert painted(tmp_path, ORT_DISABLE_TELEMETRY="true") == ["true", "1"]
