"""Crops of photographs and paintings: the same for the same step, held-out pictures never."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from artrt.engine.errors import InputError
from artrt.models.photos import find_photographs, split_held_out
from artrt.models.step_batches import parallel
from artrt.models.training.crops import Crops


def pictures(folder: Path, count: int) -> Path:
    """Pictures of one grey level each."""
    folder.mkdir()
    for index in range(count):
        cv2.imwrite(str(folder / f"{index}.png"), np.full((40, 50, 3), 10 * index + 5, np.uint8))
    return folder


def test_the_crops_of_a_step_depend_only_on_seed_and_step(tmp_path):
    folders = (pictures(tmp_path / "a", 6),), (pictures(tmp_path / "b", 6),)
    crops = Crops(*folders, size=3, side_px=32, seed=1)
    photographs, paintings = crops.at(2, size=3)
    assert photographs.shape == paintings.shape == (3, 32, 32, 3)
    assert photographs.dtype == torch.uint8
    third = next(islice(crops.ahead(0), 2, None))
    workers = parallel(
        Crops(*folders, size=3, side_px=32, seed=1), workers=2, multiprocessing_context="forkserver"
    )
    again = next(islice(workers, 2, None))
    assert torch.equal(third[0], photographs)
    assert torch.equal(again[1], paintings)
    assert not torch.equal(Crops(*folders, size=3, side_px=32, seed=2).at(2, size=3)[0], photographs)


def test_pictures_of_all_folders_are_used_but_for_the_held_out_ones(tmp_path):
    first, second = pictures(tmp_path / "a", 5), pictures(tmp_path / "b", 10)
    crops = Crops((first, second), (first,), size=200, side_px=32, seed=0)
    held_out = {int(path.stem) for path in split_held_out(find_photographs(first))[1]}
    assert held_out
    levels = {int(level) // 10 for level in crops.at(0, size=200)[1].flatten(1)[:, 0]}
    assert levels == set(range(5)) - held_out
    assert {7, 8, 9} & {int(level) // 10 for level in crops.at(0, size=200)[0].flatten(1)[:, 0]}


def test_an_empty_folder_is_named(tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="no pictures in .*none"):
        Crops((tmp_path / "none",), (tmp_path / "none",), size=1, side_px=32, seed=0)
