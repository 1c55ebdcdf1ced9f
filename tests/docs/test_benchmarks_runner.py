"""`python -m benchmarks`: names, scripts that exist, and what happens to one that fails."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import subprocess
import sys

import pytest

from support.clips import levels, make_clip, probe


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
    table |= {"gone": runner.Benchmark("gone.py"), "long": runner.Benchmark("good.py", quick=None)}
    monkeypatch.setattr(runner, "BENCHMARKS", table)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "all", "--quick"])
    with pytest.raises(SystemExit, match="failed: bad"):
        runner.main()
    output = capsys.readouterr().out
    assert "== gone: left out, there is no benchmarks/gone.py" in output
    assert "== good: done" in output
    assert "== long: left out, it trains networks" in output


@pytest.fixture
def script(root, monkeypatch):
    """Loads a script of benchmarks/ as a module."""
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    return importlib.import_module


def test_record_says_when_where_and_what(script, tmp_path, capsys):
    harness = script("_harness")
    timing = harness.Timing.of([0.2, 0.1, 0.4])
    rows = [{"network": "small", "timing": timing}]
    path = harness.write(
        "x", title="A title", rows=rows, facts={"size": "1x1"}, notes="Two\nlines.", directory=tmp_path
    )
    record = json.loads(path.read_text())
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", record["date"])
    assert record["machine"]["load_before"] == harness.LOAD_BEFORE
    assert (record["notes"], record["size"]) == ("Two lines.", "1x1")
    spread = {"median_ms": 200.0, "minimum_ms": 100.0, "p95_ms": 400.0, "rounds": 3, "fps": 5.0}
    assert record["rows"] == [{"network": "small"} | spread]
    assert "| small | 200 | 100 | 400 | 3 | 5 |" in path.with_suffix(".md").read_text()
    assert "A title" in capsys.readouterr().out


def test_contenders_take_turns(script):
    order = []
    contenders = {name: lambda name=name: order.append(name) for name in "ab"}
    timings = script("_harness").interleaved(contenders, rounds=2, warmup=1)
    assert order == ["a", "b"] * 3
    assert [timing.rounds for timing in timings.values()] == [2, 2]


def test_naive_loops_write_every_frame(script, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", frames=7)
    loop = script("loop")
    loop.opencv_loop(clip, tmp_path / "opencv.mp4", lambda image: 255 - image)
    loop.pyav_loop(clip, tmp_path / "pyav.mp4", lambda image: 255 - image)
    assert [probe(tmp_path / f"{name}.mp4").frames for name in ("opencv", "pyav")] == [7, 7]
    assert levels(tmp_path / "pyav.mp4")[3] == pytest.approx(255 - 8 * 3, abs=5)


def test_quick_arguments_are_known_to_their_scripts(root, runner):
    for name, benchmark in runner.BENCHMARKS.items():
        source = (root / "benchmarks" / benchmark.script).read_text(encoding="utf-8")
        for word in [*benchmark.full, *(benchmark.quick or ())]:
            assert not word.startswith("--") or f'"{word}"' in source, f"{name}: {word}"


def test_every_table_of_the_page_has_a_benchmark_that_writes_it(root, runner):
    """Each JSON is written by a script of benchmarks/ or of docs/, under that very name."""
    sources = "".join(
        path.read_text() for folder in ("benchmarks", "docs") for path in (root / folder).glob("*.py")
        if path.name != "make_benchmarks.py"
    )  # fmt: skip
    for path in (root / "benchmarks" / "results").glob("*.json"):
        assert re.search(rf'"{path.stem}(\.json)?"', sources), path.name


def test_scaling_measures_a_point(root, tiny_zoo, monkeypatch):
    monkeypatch.setenv("ARTRT_ZOO", str(tiny_zoo))
    command = [sys.executable, str(root / "benchmarks" / "scaling.py"), "--child", "64x48", "1", "2", "cpu"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = json.loads(done.stdout)
    assert found["timing"]["rounds"] == 2
    assert found["peak_mb"] >= found["idle_mb"] > 10


def test_a_painting_curve_says_how_painted_it_was_at_each_moment(script):
    row = script("paint").row("ours", [(1.0, 0.1, 0.9), (4.0, 0.3, 0.8), (9.0, 0.4, 0.7)], 4.5)
    assert row == {
        "recipe": "ours", "seconds": 9.0, "painted": 0.4, "semantic": 0.7, "in_same_time": 0.3, "after_5_s": 0.3
    }  # fmt: skip


def test_a_table_of_pairs_counts_where_paint_is_painted_higher(script):
    pairs = script("paint_pairs")
    rows = [
        {"recipe": recipe, "photo": photo, "style": "udnie", "seconds": 2.0}
        | dict.fromkeys(pairs.SCORES, 0.5)
        | {"painted": painted}
        for recipe, photo, painted in [
            ("paint", "a", 0.4),
            ("paint", "b", 0.2),
            ("plain", "a", 0.3),
            ("plain", "b", 0.3),
        ]
    ]
    ours, plain = pairs.table(rows)
    assert (plain["recipe"], plain["pairs"], plain["paint_higher"]) == ("plain", 2, 1)
    assert (ours["painted"], plain["painted"]) == pytest.approx((0.3, 0.3))
    assert len(set(pairs.pairs())) == 12


def test_the_region_table_compares_with_and_without(script, monkeypatch):
    paint, written = script("paint"), {}
    monkeypatch.setattr(paint, "write", lambda name, **values: written.update(values))
    scores = {"semantic": 0.1, "cam_correlation": 0.5}
    rows = [
        {"photo": name, "style": style, "region": weight, "top1_kept": kept, "painted": loss} | scores
        for style in paint.STYLES
        for name, (weight, kept, loss) in zip(
            "aabb", [(0, 0.0, 0.4), (0.1, 1.0, 0.3), (0, 1.0, 0.5), (0.1, 1.0, 0.5)], strict=True
        )
    ]
    paint.write_region(rows, 64, 1)
    assert [line["style"] for line in written["rows"]] == [*paint.STYLES, "all"]
    for line in written["rows"]:
        assert line["top1_kept_without"] == 0.5
        assert line["top1_kept_with"] == 1.0
        assert line["painted_change"] == pytest.approx(-0.05)
    assert written["rows"][-1]["photos"] == 6
