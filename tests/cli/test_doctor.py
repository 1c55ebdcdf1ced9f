from __future__ import annotations

import json
from pathlib import Path

import pytest

from artrt.cli.main import run
from artrt.export import selftest


def test_doctor_prints_a_line_for_every_check(capsys):
    assert run(["doctor", "--provider", "cpu"]) == 0
    output = capsys.readouterr().out
    for name in ("python", "onnxruntime", "opencv", "pyav", "zoo", "provider cpu"):
        assert name in output


@pytest.mark.skipif(Path("/dev/nvidiactl").exists(), reason="there is a GPU")
@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_a_provider_that_does_not_work_ends_with_3(provider, capsys):
    assert run(["doctor", "--provider", provider, "--json"]) == 3
    captured = capsys.readouterr()
    findings = {finding["name"]: finding for finding in json.loads(captured.out)["findings"]}
    assert findings[f"provider {provider}"]["status"] == "broken"
    assert "libcuda" in captured.err


def test_the_selftest_compares_every_stage_with_the_cpu(monkeypatch, capsys):
    monkeypatch.setattr(selftest, "SIZE", (48, 64))
    monkeypatch.setattr(selftest, "ROUNDS", 1)
    monkeypatch.setattr(selftest, "STAGES", ("stylize-small.onnx", "saliency.onnx"))
    assert run(["doctor", "--provider", "cpu", "--selftest", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["selftest"]
    stages = {row["stage"] for row in rows}
    assert "stylize-small" in stages
    assert all(row["status"] == "ok" for row in rows if row["provider"] == "cpu")
    assert {row["provider"] for row in rows} == {"cpu", "openvino", "cuda", "tensorrt", "tensorrt native"}
