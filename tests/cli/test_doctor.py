from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from artrt.cli.main import run
from artrt.engine.stage_spec import StageSpec
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


def test_superpixels_are_compared_by_regions():
    spec = StageSpec("superpixels")
    expected = np.repeat(np.arange(0, 200, 2, dtype=np.uint8), 300).reshape(100, 100, 3)
    other = expected.copy()
    other[:5] = 255 - other[:5]
    row = {"output": expected}
    assert selftest._fault({"output": other}, row, spec, psnr_db=11.2) is None
    other[:30] = 255 - expected[:30]
    fault = selftest._fault({"output": other}, row, spec, psnr_db=11.2)
    assert fault == "70% of the pixels are in the same region as on the CPU, expected 90% or more"
    fault = selftest._fault({"output": other}, row, StageSpec("stylize"), psnr_db=11.2)
    assert fault == "11.2 dB to the CPU, expected 40 or more"
