from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from artrt.cli.main import run
from artrt.engine.zoo.style import Style, save_style
from artrt.models.networks.transformer import StyleTransformer, TransformerConfig, save_trunk
from support.weights import write_weights

Picture = Callable[..., np.ndarray]


@pytest.fixture
def material(tmp_path: Path, picture: Picture) -> Path:
    """Photographs, style pictures and weights."""
    write_weights(tmp_path / "weights")
    for folder, names in (("photos", "pqr"), ("paintings", ["great-wave", "udnie"])):
        (tmp_path / folder).mkdir()
        for number, name in enumerate(names):
            cv2.imwrite(str(tmp_path / folder / f"{name}.png"), picture(72, 96, seed=number + len(names)))
    return tmp_path


def arguments(material: Path, *more: str) -> list[str]:
    folders = [f"--{name}={material / name}" for name in ("photos", "paintings", "weights")]
    return ["eval", *folders, "--provider", "cpu", "--fps-size", "64x48", *more]


def test_shipped_styles_are_judged(
    use_tiny_zoo: Path, material: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["--style", "great-wave,udnie", "--limit", "2", "--write", str(material / "kept"), "--json"]
    assert run(arguments(material, *more)) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report["styles"]) == {"great-wave", "udnie"}
    assert len(report["pictures"]) == 4
    assert report["settings"]["photographs"] == 2
    assert report["mean"]["painted"] != 0  # the tiny zoo paints one flat tone
    assert report["mean"]["edge_f1"] == 0
    assert set(report["floors"]["udnie"]) == {f"covariance_relu{n}_1" for n in range(1, 6)}
    assert report["fps"] > 0
    assert (report["width"], report["height"]) == (64, 48)
    kept = sorted(
        path.relative_to(material / "kept").as_posix() for path in (material / "kept").rglob("*.png")
    )
    assert kept == [
        f"{folder}/{name}.png" for folder in ("great-wave", "photographs", "udnie") for name in "pq"
    ]


def test_kept_pictures_judged_as_anothers_give_the_same(
    use_tiny_zoo: Path, material: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = str(material / "kept")
    assert run(arguments(material, "--style", "udnie", "--write", kept, "--json")) == 0
    own = json.loads(capsys.readouterr().out)
    assert run(arguments(material, "--against", kept, "--json")) == 0
    other = json.loads(capsys.readouterr().out)
    assert other["styles"]["udnie"] == pytest.approx(own["styles"]["udnie"])
    assert "fps" not in other


def test_a_trunk_in_training_is_judged_with_its_vectors(
    use_tiny_zoo: Path, material: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    transformer = StyleTransformer(TransformerConfig(width=16, dilations=(1,), decoder_width=8))
    save_trunk(material / "trunk.safetensors", transformer)
    vector = transformer.neutral_style().numpy().astype(np.float32)
    save_style(material / "vectors" / "udnie.safetensors", Style("udnie", vector, transformer.trunk_hash()))
    assert load_file(material / "vectors" / "udnie.safetensors")["style"].shape == vector.shape
    trunk = ["--trunk", str(material / "trunk.safetensors"), "--styles-dir", str(material / "vectors")]
    assert run(arguments(material, *trunk, "--limit", "1", "--json")) == 0
    report = json.loads(capsys.readouterr().out)
    assert list(report["styles"]) == ["udnie"]
    assert report["macs"] > 1e6


def test_frames_add_the_warping_error_and_the_table_shows_it(
    use_tiny_zoo: Path, material: Path, picture: Picture, capsys: pytest.CaptureFixture[str]
) -> None:
    (material / "clip").mkdir()
    for number in range(3):
        cv2.imwrite(str(material / "clip" / f"{number}.png"), picture(64, 96)[:, number : number + 80])
    clip = ["--frames", str(material / "clip")]
    assert run(arguments(material, "--style", "udnie", "--limit", "1", *clip)) == 0
    text = capsys.readouterr().out
    assert "warping error 0.00000 on 2 pairs" in text  # a flat tone cannot flicker
    assert "frames/s at 64x48" in text
    assert text.splitlines()[1].startswith("udnie")
    assert "covariance error / of the painting's two halves" in text


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (["--style", "udni"], 2, "udnie"),
        (["--style", "the-scream"], 1, "no picture of the style the-scream"),
        (["--trunk", "photos/p.png"], 2, "belong together"),
    ],
)
def test_mistakes_are_one_line(
    use_tiny_zoo: Path,
    material: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    code: int,
    words: str,
) -> None:
    monkeypatch.chdir(material)
    assert run(arguments(material, *more)) == code
    error = capsys.readouterr().err
    assert error.splitlines()[-1].startswith("artrt: error:")
    assert words in error
