from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from artrt.engine.errors import InputError
from artrt.models.evaluation.existing_paintings import existing_paintings


def test_paintings_of_another_program_are_found_by_name(tmp_path: Path) -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    (tmp_path / "udnie").mkdir()
    cv2.imwrite(str(tmp_path / "udnie" / "one.png"), image + 7)
    paint = existing_paintings(tmp_path, styles=["udnie", "waves"])
    assert paint(Path("photos/one.jpg"), image, "udnie")[0, 0, 0] == 7
    with pytest.raises(InputError, match=r"no painting of two\.jpg"):
        paint(Path("two.jpg"), image, "udnie")
    cv2.imwrite(str(tmp_path / "two.png"), image + 9)
    alone = existing_paintings(tmp_path, styles=["udnie"])
    assert alone(Path("two.jpg"), image, "udnie")[0, 0, 0] == 9
    with pytest.raises(InputError, match="no folder of paintings"):
        existing_paintings(tmp_path / "none", styles=["udnie"])


def test_other_sizes_are_brought_to_the_photographs_and_other_shapes_refused(tmp_path: Path) -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "large.png"), np.full((40, 60, 3), 50, np.uint8))
    cv2.imwrite(str(tmp_path / "tall.png"), np.full((60, 40, 3), 50, np.uint8))
    paint = existing_paintings(tmp_path, styles=["udnie"])
    assert paint(Path("large.jpg"), image, "udnie").shape == image.shape
    with pytest.raises(InputError, match="its proportions differ"):
        paint(Path("tall.jpg"), image, "udnie")
