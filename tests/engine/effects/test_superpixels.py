"""artrt.superpixels: regions, limits and bad input."""

from __future__ import annotations

import numpy as np
import pytest

from artrt.engine.effects.superpixels import superpixels, superpixels_effect
from artrt.engine.errors import UsageError

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def regions():
    with superpixels_effect(40, provider="cpu") as shared:
        yield shared


def test_superpixels_of_a_picture(regions, picture):
    image = picture(60, 80)
    result = superpixels(image, 40, effect=regions)
    assert result.labels.shape == (60, 80)
    assert np.unique(result.labels).tolist() == list(range(result.count))
    assert 30 <= result.count <= 50
    mean = image[result.labels == 7].mean(0)
    assert np.abs(result.image[result.labels == 7] - mean).max() <= 0.51


def test_exact_superpixels_are_connected(picture):
    ndimage = pytest.importorskip("scipy.ndimage")
    pytest.importorskip("skimage")
    result = superpixels(picture(60, 80), 40, method="exact", outline=True)
    assert all(ndimage.label(result.labels == label)[1] == 1 for label in range(result.count))
    assert (result.image == 0).all(-1).any()


def test_outlines_are_black(regions, picture):
    plain, lines = (
        superpixels(picture(60, 80) // 2 + 99, 40, outline=on, effect=regions) for on in (False, True)
    )
    assert not (plain.image == 0).all(-1).any()
    assert 0.05 < (lines.image == 0).all(-1).mean() < 0.6


@pytest.mark.parametrize("n", [0, 48 * 64 + 1])
def test_a_number_of_regions_out_of_range(picture, n):
    with pytest.raises(UsageError, match=r"1 to 3072 regions in 64x48 pixels"):
        superpixels(picture(48, 64), n)


@pytest.mark.parametrize("compactness", [0.0, -1.0, float("nan"), float("inf")])
def test_a_compactness_that_is_not_positive(picture, compactness):
    with pytest.raises(UsageError, match="compactness is a positive number"):
        superpixels(picture(), 20, compactness=compactness)


def test_more_regions_than_the_stage_has():
    with pytest.raises(UsageError, match="1 to 8000 regions, got 9000"):
        superpixels_effect(9000, provider="cpu")
