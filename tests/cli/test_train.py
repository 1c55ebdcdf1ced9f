"""`artrt train`: trunk to a zoo, a style file that runs, resuming, bad input."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from artrt.cli.main import run
from artrt.engine.zoo.style import load_style
from support.painting import torchvision_vgg
from support.weights import write_weights


@pytest.fixture(scope="module")
def material(tmp_path_factory) -> Path:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("train")
    write_weights(folder / "weights")
    (folder / "photos").mkdir()
    for index, name in enumerate(("first", "second", "photos/a", "photos/b")):
        picture = np.random.default_rng(index).integers(0, 256, (9, 9, 3), np.uint8)
        cv2.imwrite(str(folder / f"{name}.png"), cv2.resize(picture, (72, 72)))
    (folder / "photos" / "broken.jpg").write_text("no picture")
    return folder


def common(material: Path) -> list[str]:
    words = [
        "--photos",
        material / "photos",
        "--weights",
        material / "weights",
        "--batch",
        "1",
        "--crop",
        "64",
    ]
    return [str(word) for word in words]


@pytest.fixture(scope="module")
def trained(material) -> Path:
    paintings = [str(material / "first.png"), str(material / "second.png")]
    words = ["train", "trunk", *paintings, *common(material), "-o", str(material / "run"), "--steps", "2"]
    assert run(words) == 0
    return material / "run"


def test_trunk_becomes_a_zoo_and_broken_photographs_are_named(material, capfd):
    output = material / "another"
    words = [
        "train",
        "trunk",
        str(material / "first.png"),
        *common(material),
        "-o",
        str(output),
        "--steps",
        "1",
    ]
    assert run([*words, "--json"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)["steps"] == 1
    assert (output / "zoo" / "stylize-small.onnx").is_file()
    assert "skipped" in err
    assert "broken.jpg" in err


def test_more_steps_go_on_from_the_checkpoint(trained, material, capfd):
    paintings = [str(material / "first.png"), str(material / "second.png")]
    words = ["train", "trunk", *paintings, *common(material), "-o", str(trained), "--steps", "3"]
    assert run(words) == 0
    history = json.loads(torch.load(trained / "checkpoint.pt", weights_only=True)["history"])
    assert [entry["step"] for entry in history] == [0, 2]
    assert "2 styles after 3 steps" in capfd.readouterr().out


def test_another_training_goes_on_from_a_checkpoint(trained, material, capfd):
    words = [
        "train",
        "trunk",
        str(material / "second.png"),
        *common(material),
        "-o",
        str(material / "onward"),
    ]
    assert run([*words, "--start", str(trained / "checkpoint.pt"), "--steps", "5"]) == 0
    assert "1 styles after 5 steps" in capfd.readouterr().out
    assert run([*words, "--start", str(trained / "checkpoint.pt"), "--steps", "6"]) == 0
    assert "--start is used only with an empty folder" in capfd.readouterr().err


def test_a_new_style_runs_at_once_in_the_zoos_stage(trained, material, monkeypatch, tmp_path, capfd):
    monkeypatch.setenv("ARTRT_ZOO", str(trained / "zoo"))
    output = tmp_path / "third.safetensors"
    words = [
        "train",
        "style",
        str(material / "second.png"),
        "--name",
        "udnie",
        "-o",
        str(output),
        "--steps",
        "2",
    ]
    assert (
        run([*words, "--title", "Third", "--artist", "A. Painter", "--year", "1999", *common(material)]) == 0
    )
    style = load_style(output)
    assert (style.name, style.title, style.artist, style.year) == ("udnie", "Third", "A. Painter", "1999")
    assert (style.public_domain, style.source, style.licence) == ("", "", "")  # nothing follows from the name
    picture = tmp_path / "painting.png"
    photo = str(material / "photos" / "a.png")
    assert run(["stylize", photo, "-o", str(picture), "--style", str(output), "--provider", "cpu"]) == 0
    assert cv2.imread(str(picture)).shape == (72, 72, 3)
    capfd.readouterr()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--weight", "beauty=1"], "terms are style, match, content"),
        (["--weight", "cam=much"], "'much' is not a number"),
        (["--ramp", "soon"], "write START:STEPS"),
        (["--config", "huge"], "known are small, base"),
        (["--device", "cuda"], "finds no CUDA GPU"),
    ],
)
def test_wrong_options_are_usage_errors(words, message, material, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    painting = str(material / "first.png")
    assert run(["train", "trunk", painting, *common(material), "-o", str(tmp_path / "run"), *words]) == 2
    assert message in capfd.readouterr().err
    assert not (tmp_path / "run").exists()


def test_missing_painting_and_contradicting_times(material, tmp_path, capfd, use_tiny_zoo):
    nowhere = str(tmp_path / "none.png")
    assert run(["train", "trunk", nowhere, *common(material), "-o", str(tmp_path / "run")]) == 1
    assert "no such file" in capfd.readouterr().err
    words = [
        "train",
        "style",
        nowhere,
        "--name",
        "x",
        "-o",
        "x.safetensors",
        "--minutes",
        "1",
        "--steps",
        "2",
    ]
    assert run([*words, *common(material)]) == 2
    assert "contradict each other" in capfd.readouterr().err


def test_a_loss_network_is_distilled_from_a_teacher_s_file(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for folder in ("photos", "paintings"):
        (tmp_path / folder).mkdir()
        for index in range(2):
            cv2.imwrite(
                str(tmp_path / folder / f"{index}.png"), rng.integers(0, 256, (100, 100, 3), np.uint8)
            )
    teacher = torchvision_vgg(tmp_path / "vgg.pth", "vgg19", channels=4, classifier=False)
    data = ["--photos", str(tmp_path / "photos"), "--paintings", str(tmp_path / "paintings")]
    output = tmp_path / "loss.safetensors"
    sizes = ["--minutes", "0.002", "--batch", "1", "--crop", "96"]
    arguments = ["train", "loss", *data, "--teacher", str(teacher), *sizes, "-o", str(output), "--json"]
    assert run(arguments) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["steps"] >= 1
    assert output.stat().st_size > 1000
    assert run([*arguments[:-3], "-o", str(tmp_path / "loss.onnx")]) == 2
    assert "ends in .safetensors" in capsys.readouterr().err
