"""The check of the effects itself: it passes what is right, finds what is not, and leaves ties alone."""

from __future__ import annotations

import cv2
import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from artrt.engine.errors import ParityError
from artrt.export import zoo_effects
from artrt.export.artefact import export_artefact
from artrt.export.effect_parity import TOLERANCE, effect_parity, mean_colors, nearest_colors
from artrt.export.fuse import spec_of
from artrt.export.onnx_from_kmeans import onnx_from_kmeans
from artrt.export.onnx_from_slic import onnx_from_slic
from artrt.export.options import ExportOptions, Shapes, StageChoice
from artrt.export.parity import require

BUILDERS = {
    "quantize": lambda: onnx_from_kmeans(colors=12),
    "superpixels": lambda: onnx_from_slic(regions=40),
}


@pytest.mark.parametrize("name", BUILDERS)
def test_the_stages_do_what_they_say(name, picture, tmp_path):
    model = BUILDERS[name]()
    path = tmp_path / "stage.onnx"
    path.write_bytes(model.SerializeToString())
    parity = effect_parity(path, spec_of(model), [picture(60, 70), picture(33, 90, seed=2)])
    assert (parity.agreement, parity.max_abs, parity.pictures) == (1.0, 0, 2)
    require(parity, TOLERANCE, what=name)


def test_a_pixel_that_is_not_its_nearest_colour_is_found():
    palette = np.array([[0, 0, 0], [100, 100, 100], [200, 200, 200]], np.float32)
    image = np.full((40, 10, 3), 95, np.uint8)
    painted = np.full_like(image, 100)
    painted[3, 4] = 200
    image[7, 7] = painted[7, 7] = 100
    image[8, 8], painted[8, 8] = 150, 200  # as near to 100 as to 200
    results = {
        "state.palette.next": palette,
        "state.palette_summary.next": np.array([3, 0]),
        "output": painted,
    }
    expected = nearest_colors(image, results)
    assert expected[3, 4].tolist() == [100, 100, 100]
    assert (expected != painted).any(-1).sum() == 1


def test_a_region_that_is_not_its_mean_is_found():
    labels = np.repeat(np.arange(4, dtype=np.int32), 10).reshape(4, 10)
    image = np.arange(120, dtype=np.uint8).reshape(4, 10, 3)
    right = np.stack([image[labels == label].mean(0).round() for label in range(4)]).astype(np.uint8)[labels]
    assert np.array_equal(mean_colors(image, {"labels": labels, "output": right}), right)
    wrong = right.copy()
    wrong[2] += 3
    assert np.array_equal(mean_colors(image, {"labels": labels, "output": wrong}), right)


def test_an_export_of_effects_says_and_keeps_their_parity(tmp_path, picture):
    cv2.imwrite(str(tmp_path / "a.png"), picture(60, 80))
    said = []
    stages = (StageChoice("quantize", 8), StageChoice("superpixels", 30))
    options = ExportOptions(stages=stages, calibration=tmp_path, shapes=Shapes.of(size="64x48"))
    manifest = export_artefact(options, tmp_path / "deploy", report=said.append)
    assert manifest["parity"]["quantize"]["agreement"] == manifest["parity"]["superpixels"]["agreement"] == 1
    assert "parity of quantize: 100.00% of pixels have the colour they should have" in said


def test_an_effect_that_is_wrong_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setitem(zoo_effects.BUILDERS, "quantize", lambda: _spoiled())
    with pytest.raises(ParityError, match=r"quantize\.onnx differs .* of pixels agree, at least 100"):
        zoo_effects.write_effects(tmp_path)
    assert list(tmp_path.iterdir()) == []


def _spoiled():
    """k-means that paints every pixel in a colour one level off."""
    model = onnx_from_kmeans()
    for node in model.graph.node:
        node.output[:] = ["honest" if name == "output" else name for name in node.output]
    one = numpy_helper.from_array(np.array(1, np.uint8), "one")
    model.graph.initializer.append(one)
    model.graph.node.append(helper.make_node("BitwiseXor", ["honest", "one"], ["output"], name="spoil"))
    onnx.checker.check_model(model)
    return model
