from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from artrt.engine.errors import InputError
from artrt.models.painters import paintings_of, trunk_transform
from artrt.models.transformer import StyleTransformer


def test_a_trunk_paints_bgr_bytes() -> None:
    torch.manual_seed(0)
    transformer = StyleTransformer().eval()
    vector = transformer.neutral_style()
    image = np.random.default_rng(0).integers(0, 256, (21, 34, 3), np.uint8)
    painting = trunk_transform(transformer, {"plain": vector})(image, "plain")
    rgb = torch.from_numpy(image[..., ::-1].copy()).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        expected = transformer(rgb, vector[None])[0].clamp(0, 1) * 255
    assert painting.shape == image.shape
    assert np.array_equal(painting[..., ::-1], expected.round().byte().permute(1, 2, 0).numpy())


def test_paintings_of_another_program_are_found_by_name(tmp_path: Path) -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    (tmp_path / "udnie").mkdir()
    cv2.imwrite(str(tmp_path / "udnie" / "one.png"), image + 7)
    paint = paintings_of(tmp_path, styles=["udnie", "waves"])
    assert paint(Path("photos/one.jpg"), image, "udnie")[0, 0, 0] == 7
    with pytest.raises(InputError, match=r"no painting of two\.jpg"):
        paint(Path("two.jpg"), image, "udnie")
    cv2.imwrite(str(tmp_path / "two.png"), image + 9)
    alone = paintings_of(tmp_path, styles=["udnie"])
    assert alone(Path("two.jpg"), image, "udnie")[0, 0, 0] == 9
    with pytest.raises(InputError, match="no folder of paintings"):
        paintings_of(tmp_path / "none", styles=["udnie"])


def test_other_sizes_are_brought_to_the_photographs_and_other_shapes_refused(tmp_path: Path) -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "large.png"), np.full((40, 60, 3), 50, np.uint8))
    cv2.imwrite(str(tmp_path / "tall.png"), np.full((60, 40, 3), 50, np.uint8))
    paint = paintings_of(tmp_path, styles=["udnie"])
    assert paint(Path("large.jpg"), image, "udnie").shape == image.shape
    with pytest.raises(InputError, match="not the proportions"):
        paint(Path("tall.jpg"), image, "udnie")
