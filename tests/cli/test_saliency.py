from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from artrt.cli.main import run

Picture = Callable[..., np.ndarray]


def test_one_picture_gives_mask_and_heat_map(
    use_tiny_zoo: Path, picture: Picture, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = picture(40, 60)
    cv2.imwrite(str(tmp_path / "photo.png"), image)
    target = tmp_path / "out" / "mask.png"
    assert (
        run(["saliency", str(tmp_path / "photo.png"), "-o", str(target), "--provider", "cpu", "--json"]) == 0
    )
    done = json.loads(capsys.readouterr().out)
    assert [Path(entry["output"]).name for entry in done] == ["mask.png", "mask-overlay.png"]
    mask = cv2.imread(str(target))
    assert np.abs(mask[..., 0].astype(int) - image.mean(axis=2)).max() <= 1
    assert cv2.imread(str(tmp_path / "out" / "mask-overlay.png")).shape == image.shape


def test_a_folder_and_one_kind_only(use_tiny_zoo: Path, picture: Picture, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in "ab":
        cv2.imwrite(str(tmp_path / "in" / f"{name}.png"), picture(16, 24))
    arguments = ["saliency", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--show", "overlay"]
    assert run([*arguments, "--provider", "cpu"]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.png"]


def test_a_missing_picture_is_one_line(
    use_tiny_zoo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["saliency", str(tmp_path / "none.jpg"), "-o", str(tmp_path / "m.png")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("artrt: error:")
    assert "none.jpg" in error
