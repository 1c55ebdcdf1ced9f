from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from artrt.cli.main import run
from artrt.engine.effects.saliency import Saliency
from support.weights import write_weights


def write_material(folder: Path) -> Path:
    """Five pictures with masks, and weights."""
    write_weights(folder / "weights")
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for index in range(5):
        mask = np.zeros((48, 80), np.uint8)
        mask[10:40, 10 + 6 * index : 40 + 6 * index] = 255
        cv2.imwrite(str(folder / "images" / f"{index}.png"), np.dstack([mask // 2, mask, 255 - mask]))
        cv2.imwrite(str(folder / "masks" / f"{index}.png"), mask)
    return folder


def test_a_training_leaves_a_stage_and_its_card_and_can_be_the_start_of_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    material = write_material(tmp_path)
    sizes = ["--steps", "1", "--batch", "2", "--width", "16"]
    data = ["--masks", str(material), "--weights", str(material / "weights")]
    first = ["train", "saliency", *data, *sizes, "-o", str(tmp_path / "first"), "--json"]
    assert run(first) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["held_out"]["pictures"] == 1
    with Saliency(report["stage"], provider="cpu") as saliency:
        mask = saliency(cv2.imread(str(material / "images" / "0.png")))
    assert mask.shape == (48, 80)
    assert "## Scores" in (tmp_path / "first" / "saliency.md").read_text()
    start = ["--start", str(tmp_path / "first" / "saliency.safetensors"), "-o", str(tmp_path / "second")]
    assert run(["train", "saliency", *data, *sizes, *start]) == 0
    assert "on 1 pictures" in capsys.readouterr().out


def test_missing_masks_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_weights(tmp_path / "weights")
    data = ["--masks", str(tmp_path), "--weights", str(tmp_path / "weights")]
    assert run(["train", "saliency", *data, "-o", str(tmp_path / "out")]) == 1
    assert "masks/NAME.png" in capsys.readouterr().err
