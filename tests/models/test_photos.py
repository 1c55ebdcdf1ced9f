"""Photographs: the held-out rule, broken files, reproducible crops."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from artrt.engine.errors import InputError
from artrt.models.photos import find_photographs, load_painting, load_photographs, split_held_out


def write(path: Path, height: int, width: int) -> Path:
    cv2.imwrite(str(path), np.random.default_rng(height).integers(0, 256, (height, width, 3), np.uint8))
    return path


def test_held_out_rule_depends_on_names_alone():
    paths = [Path(f"{i}.jpg") for i in range(1000)]
    train, held_out = split_held_out(paths)
    assert len(held_out) == 64
    assert not set(train) & set(held_out)
    assert split_held_out(paths[::-1])[1] == held_out
    _, few = split_held_out(paths[:10])
    assert len(few) == 2  # a fifth of a small folder


def test_broken_files_are_skipped_by_name(tmp_path):
    good = write(tmp_path / "good.png", 80, 100)
    (tmp_path / "text.jpg").write_text("not a picture")
    photographs = load_photographs(find_photographs(tmp_path), short_side_px=64)
    assert [path.name for path in photographs.skipped] == ["text.jpg"]
    assert photographs.images[0].shape == (64, 80, 3)
    good.unlink()
    with pytest.raises(InputError, match="none of the 1 photographs can be decoded"):
        load_photographs(find_photographs(tmp_path), short_side_px=64)


def test_missing_and_empty_folders(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        find_photographs(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no pictures in"):
        find_photographs(tmp_path)


def test_crops_are_reproducible_and_in_range(tmp_path):
    write(tmp_path / "a.png", 50, 90)
    write(tmp_path / "b.png", 70, 40)
    photographs = load_photographs(find_photographs(tmp_path), short_side_px=64)
    first = photographs.batch(np.random.default_rng(3), 5, 48)
    again = photographs.batch(np.random.default_rng(3), 5, 48)
    assert first.shape == (5, 3, 48, 48)
    assert 0 <= first.min() < first.max() <= 1
    torch.testing.assert_close(first, again, atol=0, rtol=0)


def test_painting_is_reduced_and_checked(tmp_path):
    painting = load_painting(write(tmp_path / "p.png", 100, 200), long_side_px=80)
    assert painting.shape == (1, 3, 40, 80)
    with pytest.raises(InputError, match="at least 64 px"):
        load_painting(write(tmp_path / "small.png", 100, 63), long_side_px=80)
    with pytest.raises(InputError, match="no such file"):
        load_painting(tmp_path / "none.png", long_side_px=80)
    (tmp_path / "text.jpg").write_text("text")
    with pytest.raises(InputError, match="not a picture"):
        load_painting(tmp_path / "text.jpg", long_side_px=80)
