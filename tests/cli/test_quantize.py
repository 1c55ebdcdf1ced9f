"""`artrt quantize` and `artrt superpixels`."""

from __future__ import annotations

import json
import struct

import cv2
import numpy as np
import pytest

from artrt.cli.main import run
from support.effects import colors_of

pytest.importorskip("onnxruntime")


@pytest.fixture
def photo(tmp_path, picture):
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), picture(48, 64))
    return path


def call(capsys, *words):
    """Exit code, stdout and stderr."""
    code = run([*map(str, words), "--provider", "cpu"])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_png_is_written_indexed_with_its_palette(photo, tmp_path, capsys):
    target, palette = tmp_path / "out" / "poster.png", tmp_path / "poster.json"
    code, out, _ = call(capsys, "quantize", photo, "-o", target, "-k", 6, "--palette", palette, "--json")
    assert code == 0
    (entry,) = json.loads(out)
    assert entry["indexed"]
    assert entry["colors"] == 6
    assert entry["bytes"] == target.stat().st_size < entry["input_bytes"] == photo.stat().st_size
    assert struct.unpack(">BB", target.read_bytes()[24:26]) == (4, 3)
    written = {tuple(color["rgb"]) for color in json.loads(palette.read_text())["colors"]}
    assert written == {tuple(color[::-1].tolist()) for color in colors_of(cv2.imread(str(target)))}


def test_the_line_compares_the_sizes(photo, tmp_path, capsys):
    code, out, _ = call(capsys, "quantize", photo, "-o", tmp_path / "p.png", "-k", 4)
    assert code == 0
    assert "4 colours" in out
    assert "indexed" in out
    assert "(was " in out


def test_alpha_is_kept(tmp_path, picture, capsys):
    alpha = np.zeros((30, 40), np.uint8)
    alpha[:, 20:] = 255
    cv2.imwrite(str(tmp_path / "a.png"), np.dstack([picture(30, 40), alpha]))
    for command in ("quantize", "superpixels"):
        target = tmp_path / f"{command}.png"
        assert call(capsys, command, tmp_path / "a.png", "-o", target)[0] == 0
        np.testing.assert_array_equal(cv2.imread(str(target), cv2.IMREAD_UNCHANGED)[..., 3], alpha)


def test_few_colours_are_told(tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "flat.png"), np.full((9, 9, 3), 50, np.uint8))
    code, _, err = call(capsys, "quantize", tmp_path / "flat.png", "-o", tmp_path / "o.png")
    assert code == 0
    assert "only 1 colour" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["quantize", "-k", "1"], "2 to 256 colours"),
        (["quantize", "-k", "300"], "2 to 256 colours"),
        (["quantize", "--palette", "p.aco"], "cannot write the palette"),
        (["superpixels", "-n", "0"], "1 to"),
        (["superpixels", "-n", "5000"], "1 to 3072 regions"),
        (["superpixels", "--labels", "l.txt"], "its name ends in"),
    ],
)
def test_bad_options_are_one_line_and_code_2(photo, tmp_path, capsys, words, message):
    command, *options = words
    code, _, err = call(capsys, command, photo, "-o", tmp_path / "o.png", *options)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "o.png").exists()


def test_superpixels_with_labels_and_outline(photo, tmp_path, capsys):
    words = ["-n", 30, "--outline", "--labels", tmp_path / "l.npy", "--json"]
    code, out, _ = call(capsys, "superpixels", photo, "-o", tmp_path / "s.png", *words)
    assert code == 0
    labels = np.load(tmp_path / "l.npy")
    assert json.loads(out)[0]["regions"] == labels.max() + 1
    result = cv2.imread(str(tmp_path / "s.png"))
    assert not result[:, :-1][labels[:, 1:] != labels[:, :-1]].any()


def test_several_pictures_and_one_that_fails(photo, tmp_path, capsys):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    code, out, err = call(
        capsys, "quantize", photo, tmp_path / "broken.jpg", "-o", tmp_path / "many", "-k", 3
    )
    assert code == 1
    assert "photo.png" in out
    assert "broken.jpg" in err
    assert len(colors_of(cv2.imread(str(tmp_path / "many" / "photo.png")))) == 3


def test_exact_methods(photo, tmp_path, capsys):
    pytest.importorskip("sklearn")
    pytest.importorskip("skimage")
    for command, amount in (("quantize", "-k"), ("superpixels", "-n")):
        words = [command, photo, "-o", tmp_path / f"{command}.png", amount, 8, "--method", "exact"]
        assert call(capsys, *words)[0] == 0


def test_one_palette_for_several_pictures_is_refused(photo, tmp_path, capsys):
    other = tmp_path / "other.png"
    other.write_bytes(photo.read_bytes())
    words = ["quantize", photo, other, "-o", tmp_path / "m", "--palette", tmp_path / "p.gpl"]
    code, _, err = call(capsys, *words)
    assert code == 2
    assert "single picture" in err
