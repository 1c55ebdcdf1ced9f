"""Palette files, indexed PNG and label files."""

from __future__ import annotations

import json
import struct

import cv2
import numpy as np
import pytest

from artrt.engine.effects.labels import write_labels
from artrt.engine.effects.palettes import indexed_png, write_palette
from artrt.engine.errors import OutputError, UsageError

PALETTE = np.array([[0, 0, 255], [10, 20, 30], [255, 255, 255]], np.uint8)  # BGR: red first
COUNTS = np.array([5, 3, 2])


def header(path):
    """Width, height, bits and colour type of a PNG."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">IIBB", data[16:26])


@pytest.mark.parametrize(("count", "bits"), [(1, 1), (2, 1), (3, 2), (5, 4), (16, 4), (17, 8), (256, 8)])
@pytest.mark.parametrize("width", [1, 7, 16])
def test_an_indexed_png_is_read_back_the_same(tmp_path, count, bits, width):
    generator = np.random.default_rng(count)
    palette = generator.integers(0, 256, (count, 3)).astype(np.uint8)
    labels = generator.integers(0, count, (9, width)).astype(np.uint8)
    path = tmp_path / "indexed.png"
    path.write_bytes(indexed_png(labels, palette))
    assert header(path) == (width, 9, bits, 3)
    np.testing.assert_array_equal(cv2.imread(str(path)), palette[labels])


def test_alpha_goes_into_the_palette(tmp_path):
    labels = np.array([[0, 1, 2, 0]], np.uint8)
    alpha = np.array([[255, 0, 128, 7]], np.uint8)
    path = tmp_path / "alpha.png"
    path.write_bytes(indexed_png(labels, PALETTE, alpha=alpha))
    assert header(path)[3] == 3
    back = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(back, np.dstack([PALETTE[labels], alpha]))


def test_too_many_pairs_of_colour_and_alpha_are_refused():
    alpha = np.arange(256, dtype=np.uint8)[None].repeat(2, axis=0)
    labels = np.zeros((2, 256), np.uint8)
    labels[1] = 1
    assert indexed_png(labels, PALETTE, alpha=alpha) is None


def test_json_palette(tmp_path):
    write_palette(tmp_path / "p.json", PALETTE, counts=COUNTS)
    first = json.loads((tmp_path / "p.json").read_text())["colors"][0]
    assert first == {"hex": "#ff0000", "rgb": [255, 0, 0], "share": 0.5}


def test_gimp_palette(tmp_path):
    write_palette(tmp_path / "autumn.gpl", PALETTE, counts=COUNTS)
    lines = (tmp_path / "autumn.gpl").read_text().splitlines()
    assert lines[:2] == ["GIMP Palette", "Name: autumn"]
    assert lines[-2].split() == ["30", "20", "10", "#1e140a"]


def test_swatches(tmp_path):
    write_palette(tmp_path / "p.png", PALETTE, counts=COUNTS)
    picture = cv2.imread(str(tmp_path / "p.png"))
    assert picture.shape == (32, 96, 3)
    assert picture[16, 48].tolist() == [10, 20, 30]


def test_an_unknown_palette_suffix(tmp_path):
    with pytest.raises(UsageError, match=r"\.json, \.gpl, \.png"):
        write_palette(tmp_path / "p.aco", PALETTE, counts=COUNTS)


def test_labels_are_read_back_the_same(tmp_path):
    labels = np.arange(600, dtype=np.int32).reshape(20, 30)
    for name in ("labels.npy", "labels.png"):
        write_labels(tmp_path / name, labels)
    np.testing.assert_array_equal(np.load(tmp_path / "labels.npy"), labels)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "labels.png"), cv2.IMREAD_UNCHANGED), labels)


def test_labels_that_do_not_fit(tmp_path):
    with pytest.raises(OutputError, match="65536"):
        write_labels(tmp_path / "l.png", np.full((2, 2), 65536, np.int32))
    with pytest.raises(UsageError, match=r"\.npy or \.png"):
        write_labels(tmp_path / "l.txt", np.zeros((2, 2), np.int32))
