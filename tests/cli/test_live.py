from __future__ import annotations

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from artrt.cli.main import run
from artrt.engine.frame import read_image, write_image
from support.clips import cut_off, make_clip, probe


@pytest.fixture(autouse=True)
def _no_screen(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


def test_headless_run_prints_statistics_and_a_summary(use_tiny_zoo, capsys):
    code = run(
        ["live", "test://64x48@50", "--headless", "--max-frames", "8", "--stats", "json", "--provider", "cpu"]
    )
    assert code == 0
    lines = capsys.readouterr().err.splitlines()
    stats = [json.loads(line) for line in lines if line.startswith("{")]
    assert stats[-1]["frames_out"] == 8
    assert stats[-1]["provider"] == "cpu"
    assert "stylize" in stats[-1]["stages"]
    assert any("8 frames in" in line for line in lines)


def test_statistics_go_into_a_file(use_tiny_zoo, tmp_path):
    path = tmp_path / "stats.jsonl"
    assert run(["live", "test://64x48@50", "--headless", "--max-frames", "70", "--stats", str(path)]) == 0
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) >= 2
    assert lines[-1]["frames_in"] == lines[-1]["frames_out"] + sum(lines[-1]["dropped"].values())


def test_several_outputs_at_once(use_tiny_zoo, tmp_path):
    clip = make_clip(tmp_path / "a.mp4", frames=10, audio="aac")
    outputs = [
        "-o",
        str(tmp_path / "b.mp4"),
        "-o",
        str(tmp_path / "c.mkv"),
        "-o",
        str(tmp_path / "f" / "%03d.png"),
    ]
    assert run(["live", str(clip), *outputs, "--style", "udnie"]) == 0
    assert probe(tmp_path / "b.mp4").frames == probe(tmp_path / "c.mkv").frames == 10
    assert len(list((tmp_path / "f").iterdir())) == 10


def test_record_without_a_window_is_one_more_file(use_tiny_zoo, tmp_path):
    arguments = [
        "live",
        "test://64x48@50",
        "--headless",
        "--record",
        str(tmp_path / "a.mp4"),
        "--max-frames",
        "5",
    ]
    assert run(arguments) == 0
    assert probe(tmp_path / "a.mp4").frames == 5


def test_what_is_lost_is_said(use_tiny_zoo, tmp_path, capsys):
    clip = make_clip(tmp_path / "a.mp4", frames=60)
    cut_off(clip, share=0.5)
    assert run(["live", str(clip), "--headless", "--style", "none", "-o", str(tmp_path / "b.mp4")]) == 0
    assert "artrt: only " in capsys.readouterr().err


def test_no_style_plays_the_source(use_tiny_zoo, tmp_path, picture):
    write_image(tmp_path / "a.png", picture(48, 64))
    words = ["live", str(tmp_path / "a.png"), "-o", str(tmp_path / "b.png")]
    assert run([*words, "--style", "none"]) == 0
    np.testing.assert_array_equal(read_image(tmp_path / "b.png"), picture(48, 64))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nothing.mp4", "--headless"], 1, "no such file"),
        (["test://64x48", "--headless", "--style", "udni"], 2, "did you mean 'udnie'"),
        (["test://64x48", "--headless", "--camera", "1"], 2, "SOURCE or --camera"),
        (["test://wide", "--headless"], 2, "expected test://"),
        (["test://64x48", "-o", "a.xyz"], 2, "unknown kind"),
        (["test://64x48", "-o", "display://"], 1, "no screen"),
        (["test://64x48"], 1, "no screen for a window: use --headless"),
        (["test://64x48", "--record", "x.mp4"], 1, "no screen for a window: use --headless"),
        (["test://64x48", "-o", "display://", "--headless"], 2, "contradict"),
        (["test://64x48", "-o", "http://127.0.0.1:99999"], 2, "port"),
        (["test://64x48", "--headless", "--input-size", "wide"], 2, "expected WIDTHxHEIGHT"),
        (["test://64x48", "-o", "x.mp4", "--codec", "no_such"], 1, "no encoder"),
        (["--camera", "97", "--headless"], 1, "cannot be opened"),
        (["test://64x48?frames=2", "-o", "x.mp4", "-o", "x.mp4"], 2, "x.mp4 is given 2 times"),
        (["test://64x48?frames=2", "-o", "x.mp4", "--record", "x.mp4", "--headless"], 2, "is given 2 times"),
        (["test://64x48", "--headless", "--osc-reply", "127.0.0.1:9001"], 2, "need --osc PORT"),
        (["test://64x48", "--headless", "--osc", "0", "--osc-reply", "here"], 2, "expected HOST:PORT"),
        (["test://64x48", "--headless", "--osc", "0", "--osc-host", "192.0.2.1"], 1, "cannot listen there"),
        (["test://64x48", "-o", "x.webm", "--codec", "libx264", "--max-frames", "2"], 1, "for this output"),
    ],
)
def test_mistakes_end_in_one_line(use_tiny_zoo, tmp_path, monkeypatch, capfd, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    assert run(["live", *arguments]) == code
    errors = capfd.readouterr().err
    assert message in errors
    assert "Traceback" not in errors
    assert list(tmp_path.glob("*.mp4")) == []


def test_the_source_is_not_overwritten(use_tiny_zoo, tmp_path, capsys):
    clip = make_clip(tmp_path / "a.mp4", frames=3)
    before = clip.read_bytes()
    assert run(["live", str(clip), "-o", str(tmp_path / "." / "a.mp4")]) == 2
    assert run(["live", str(tmp_path), "-o", str(tmp_path)]) == 2
    assert "would overwrite the source" in capsys.readouterr().err
    assert clip.read_bytes() == before


def test_statistics_that_cannot_be_written_end_it_in_one_line(use_tiny_zoo, capsys):
    assert run(["live", "test://64x48@50", "--headless", "--max-frames", "9", "--stats", "/dev/full"]) == 1
    errors = capsys.readouterr().err
    assert errors.endswith("artrt: error: cannot write /dev/full: No space left on device\n")


def test_live_loads_no_torch(tiny_zoo):
    script = (
        "import sys\nfrom artrt.cli.main import run\n"
        "code = run(['live', 'test://64x48@50', '--headless', '--max-frames', '3'])\n"
        "assert code == 0\n"
        "assert not {'torch', 'onnx', 'starlette', 'aiortc'} & set(sys.modules)\n"
    )
    env = {"ARTRT_ZOO": str(tiny_zoo), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["udnie", "great-wave"])
def test_stream_plays_the_look_that_it_is_given(use_tiny_zoo, name):
    import artrt

    look = artrt.Look(name, quantize=16, stabilize=0.0)
    (result,) = artrt.stream("test://64x48@50", style=look, max_frames=1)
    assert set(result.stage_ms) == {"quantize", "stylize"}
    assert result.image.max() == {"udnie": 204, "great-wave": 51}[name]


def test_stream_gives_results(use_tiny_zoo):
    import artrt

    results = list(artrt.stream("test://64x48@50", style="udnie", max_frames=4))
    assert len(results) == 4
    assert {int(result.image.max()) for result in results} == {204}
    assert results[0].image.shape == (48, 64, 3)
    assert results[0].latency_ms > 0


def test_results_count_what_was_dropped_before_them(use_tiny_zoo):
    import artrt

    dropped = []
    for result in artrt.stream("test://64x48@200", style="udnie", max_frames=4):
        dropped.append(result.dropped)
        time.sleep(0.1)
    assert dropped == sorted(dropped)
    everything = [
        result.dropped for result in artrt.stream("test://64x48@50?frames=4", style="udnie", frames="all")
    ]
    assert everything == [0, 0, 0, 0]


def test_stream_refuses_a_look_where_the_source_is_meant(use_tiny_zoo):
    import artrt

    with pytest.raises(artrt.UsageError, match="pass a Look as style="):
        next(artrt.stream("test://64x48@50", options=artrt.Look("udnie")))
