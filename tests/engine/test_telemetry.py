"""The libraries under artrt report nothing unless the user asked them to."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PAINT = """
import os, numpy as np, artrt
with artrt.Stylizer("udnie", provider="cpu") as stylizer:
    stylizer(np.zeros((32, 32, 3), np.uint8))
print(*(os.environ[name] for name in ("ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED", "RAY_USAGE_STATS_ENABLED")))
"""


OPENVINO = """
import sys, numpy as np, artrt
with artrt.Stylizer("udnie", provider="openvino") as stylizer:
    stylizer(np.zeros((32, 32, 3), np.uint8))
print(any(name.startswith("openvino_telemetry") for name in sys.modules))
import openvino_telemetry  # the user's own programs still have it
"""


def painted(tmp_path, *, program=PAINT, **variables):
    plain = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name}
    places = {
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_DATA_HOME": str(tmp_path),
    }
    environment = plain | places | variables
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout.split()


def test_a_fresh_home_gets_no_device_id_and_no_database(tmp_path):
    pytest.importorskip("onnxruntime")
    assert painted(tmp_path) == ["1", "1", "0"]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_the_user_set_stays(tmp_path):
    pytest.importorskip("onnxruntime")
    asked = {"ORT_DISABLE_TELEMETRY": "true", "RAY_USAGE_STATS_ENABLED": "1"}
    assert painted(tmp_path, **asked) == ["true", "1", "1"]


def test_openvino_reports_nothing(use_tiny_zoo, tmp_path):
    pytest.importorskip("openvino_telemetry")
    assert painted(tmp_path, program=OPENVINO) == ["False"]
    assert not (tmp_path / "intel").exists()  # its device id and statistics
