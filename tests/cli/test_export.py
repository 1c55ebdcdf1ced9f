from __future__ import annotations

import json
import re

import click
import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from artrt.cli.main import cli, run
from artrt.engine.zoo.style import Style, save_style
from artrt.engine.zoo.zoo import write_manifest
from artrt.models.networks.transformer import StyleTransformer, TransformerConfig, save_trunk


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    folder = tmp_path / "zoo"
    (folder / "styles").mkdir(parents=True)
    transformer = StyleTransformer(
        TransformerConfig("tiny", width=16, dilations=(1,), decoder_width=8)
    ).eval()
    save_trunk(folder / "trunk-tiny.safetensors", transformer)
    style = Style("udnie", transformer.neutral_style().numpy(), trunk=transformer.trunk_hash())
    save_style(folder / "styles" / "udnie.safetensors", style)
    write_manifest(folder)
    monkeypatch.setenv("ARTRT_ZOO", str(folder))
    return folder


def test_export_writes_json_only_on_stdout(zoo, tmp_path, capsys, root):
    (tmp_path / "photos").mkdir()
    photo = cv2.imread(str(root / "docs" / "images" / "astronaut.jpg"))
    cv2.imwrite(str(tmp_path / "photos" / "a.png"), photo[:96, 80:200])
    arguments = [
        "export",
        "--model",
        "tiny",
        "--imgsz",
        "64x48",
        "--json",
        "--triton",
        str(tmp_path / "repository"),
    ]
    folders = ["--calibration", str(tmp_path / "photos"), "-o", str(tmp_path / "deploy")]
    assert run([*arguments, *folders]) == 0
    output = capsys.readouterr()
    manifest = json.loads(output.out)
    assert manifest["shapes"]["frame"] == [48, 64, 3]
    assert manifest["folder"] == str(tmp_path / "deploy")
    assert "parity of stylize" in output.err
    assert (tmp_path / "repository" / "artrt_stylize" / "config.pbtxt").exists()


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["--half", "--int8"], "contradict each other"),
        (["--half", "--precision", "fp32"], "contradict each other"),
        (["--format", "engin"], "did you mean 'engine'"),
        (["--int8"], "--calibration DIR"),
        (["--size", "64x48", "--dynamic", "64x48:64x48:64x48"], "give one of them"),
        (["--stages", "sharpen"], "unknown stage 'sharpen'"),
        (["--model", "huge"], "known are tiny"),
        (["--workspace", "-1", "--format", "engine"], "above 0"),
        (["--styles", "udnie", "--stages", "quantize"], "--styles need the 'stylize' stage"),
    ],
)
def test_unknown_and_contradicting_options_end_with_2(zoo, tmp_path, capsys, arguments, match):
    assert run(["export", *arguments, "-o", str(tmp_path / "deploy")]) == 2
    assert match in capsys.readouterr().err
    assert not (tmp_path / "deploy").exists()


def test_an_engine_without_a_gpu_ends_with_3(zoo, tmp_path, capsys):
    arguments = ["--model", "tiny", "--format", "engine", "--size", "64x48"]
    assert run(["export", *arguments, "-o", str(tmp_path / "deploy")]) == 3
    assert "libcuda" in capsys.readouterr().err
    assert not (tmp_path / "deploy").exists()


def test_bench_says_how_int8_is_measured(zoo, capsys):
    assert run(["bench", "--precision", "int8"]) == 2
    assert "artrt export --int8 --calibration DIR" in capsys.readouterr().err


def test_bench_compares_two_folders(zoo, tmp_path, capsys):
    for name in ("a", "b"):
        assert run(["export", "--model", "tiny", "--no-verify", "-o", str(tmp_path / name)]) == 0
    capsys.readouterr()
    folders = ["--engine", str(tmp_path / "a"), "--against", str(tmp_path / "b")]
    measure = ["--provider", "cpu", "--size", "64x48", "--rounds", "2", "--warmup", "0"]
    assert run(["bench", *folders, *measure, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in report["results"]] == ["a", "b"]
    assert all(row["median_ms"] > 0 for row in report["results"])
    assert run(["bench", *folders, *measure]) == 0
    assert "J/frame" in capsys.readouterr().out


@pytest.fixture
def fixed_folder(zoo, tmp_path, capsys):
    """An exported folder for frames of 64x48 only."""
    assert (
        run(["export", "--model", "tiny", "--no-verify", "--size", "64x48", "-o", str(tmp_path / "f")]) == 0
    )
    capsys.readouterr()
    return str(tmp_path / "f")


@pytest.mark.parametrize("name", ["stylize", "batch", "live", "serve", "bench"])
def test_another_size_than_that_of_the_folder_hints_at_an_option_that_helps(
    fixed_folder, tmp_path, capsys, name
):
    (tmp_path / "in").mkdir()
    cv2.imwrite(str(tmp_path / "in" / "a.png"), np.full((30, 40, 3), 90, np.uint8))
    words = {
        "stylize": [str(tmp_path / "in" / "a.png"), "-o", str(tmp_path / "b.png")],
        "batch": [str(tmp_path / "in"), str(tmp_path / "out"), "--workers", "1", "--retries", "0"],
        "live": ["test://40x30@30", "--headless", "--max-frames", "2"],
        "serve": ["test://40x30@30", "--port", "0", "--max-frames", "2"],
        "bench": ["--rounds", "1", "--warmup", "0"],
    }[name]
    command = [name, *words, "--engine", fixed_folder, "--provider", "cpu"]
    wrong = ["--size", "40x30"] if name == "bench" else []
    assert run([*command, *wrong]) != 0
    errors = capsys.readouterr().err
    hinted = re.search(r"takes frames of 64x48 pixels, got 40x30: scale them \((--\S+) (\S+)\)", errors)
    assert hinted is not None, errors
    found = cli.get_command(click.Context(cli), name)
    assert hinted[1] in {option for parameter in found.params for option in parameter.opts}
    assert run([*command, *hinted.groups()]) == 0


def test_bench_takes_the_size_of_the_folder(fixed_folder, capsys):
    words = ["bench", "--engine", fixed_folder, "--provider", "cpu", "--rounds", "1", "--warmup", "0"]
    assert run([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["size"] == "64x48"
