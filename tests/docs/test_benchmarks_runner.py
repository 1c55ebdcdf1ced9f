"""`python -m benchmarks`: names, scripts that exist, and what happens to one that fails."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import pytest


@pytest.fixture
def runner(root, monkeypatch):
    spec = importlib.util.spec_from_file_location("benchmarks_main", root / "benchmarks" / "__main__.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "benchmarks_main", module)
    spec.loader.exec_module(module)
    return module


def test_list_names_every_script(root, runner):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "list"], cwd=root, capture_output=True, text=True, check=True
    )
    named = {line.split()[1] for line in done.stdout.splitlines()}
    scripts = {path.name for path in (root / "benchmarks").glob("*.py") if not path.name.startswith("_")}
    assert scripts <= named


def test_script_that_fails_is_told(runner, tmp_path, monkeypatch, capsys):
    (tmp_path / "bad.py").write_text("raise SystemExit(1)")
    (tmp_path / "good.py").write_text("import sys; assert sys.argv[1:] == ['--quick']")
    monkeypatch.setattr(runner, "HERE", tmp_path)
    table = {"good": runner.Benchmark("good.py", quick=("--quick",)), "bad": runner.Benchmark("bad.py")}
    monkeypatch.setattr(runner, "BENCHMARKS", table | {"gone": runner.Benchmark("gone.py")})
    monkeypatch.setattr(sys, "argv", ["benchmarks", "all", "--quick"])
    with pytest.raises(SystemExit, match="failed: bad"):
        runner.main()
    output = capsys.readouterr().out
    assert "== gone: left out, there is no benchmarks/gone.py" in output
    assert "== good: done" in output


def test_scaling_measures_a_point(root, tiny_zoo, monkeypatch):
    monkeypatch.setenv("ARTRT_ZOO", str(tiny_zoo))
    command = [sys.executable, str(root / "benchmarks" / "scaling.py"), "--child", "64x48", "1", "2", "cpu"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = json.loads(done.stdout)
    assert found["timing"]["rounds"] == 2
    assert found["peak_mb"] >= found["idle_mb"] > 10
