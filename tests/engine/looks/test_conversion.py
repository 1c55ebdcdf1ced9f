from __future__ import annotations

import cv2
import numpy as np
import pytest

import artrt
from artrt.engine.frame import decode_image, encode_image


@pytest.fixture(scope="module")
def stylizer(tiny_zoo):
    with artrt.Stylizer("udnie", strength=0.5, provider="cpu", zoo=artrt.Zoo(tiny_zoo)) as stylizer:
        yield stylizer


@pytest.fixture(scope="module")
def photo():
    """Blue at the left, red at the right, uint8 [8, 12, 3], BGR."""
    image = np.zeros((8, 12, 3), np.uint8)
    image[:, :6, 0] = image[:, 6:, 2] = 200
    return image


@pytest.mark.parametrize("suffix", [".png", ".webp", ".bmp", ".tiff"])
def test_bytes_give_bytes_of_the_same_format(stylizer, photo, suffix):
    data = encode_image(photo, suffix)
    painted = stylizer(data)
    assert isinstance(painted, bytes)
    assert painted[:2] == data[:2]
    difference = np.abs(decode_image(painted)[0].astype(int) - stylizer(photo))
    assert difference.max() <= (12 if suffix == ".webp" else 0)


def test_bytes_of_a_jpeg(stylizer, photo):
    painted = stylizer(encode_image(photo, ".jpg"))
    assert painted.startswith(b"\xff\xd8\xff")


def test_transparency_of_bytes_stays(stylizer, photo):
    alpha = np.arange(96, dtype=np.uint8).reshape(8, 12)
    image, kept = decode_image(stylizer(encode_image(photo, ".png", alpha=alpha)))
    assert (kept == alpha).all()
    assert (image == stylizer(photo)).all()


def test_bytes_that_are_no_picture(stylizer):
    with pytest.raises(artrt.InputError, match="these bytes: not a picture"):
        stylizer(b"GIF? no")
    with pytest.raises(artrt.InputError, match="empty"):
        stylizer(b"")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P"])
def test_a_pil_image_gives_a_pil_image(stylizer, photo, mode):
    pil = pytest.importorskip("PIL.Image")
    given = pil.fromarray(cv2.cvtColor(photo, cv2.COLOR_BGR2RGB)).convert(mode)
    painted = stylizer(given)
    assert painted.size == given.size
    assert painted.mode == ("RGBA" if "A" in mode else "RGB")
    if mode == "RGB":
        assert (np.asarray(painted)[:, :, ::-1] == stylizer(photo)).all()
    if mode == "RGBA":
        assert (np.asarray(painted)[:, :, 3] == 255).all()


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_path_gives_a_result_that_can_be_saved(stylizer, photo, tmp_path, kind):
    path = tmp_path / "a.png"
    artrt.write_image(path, photo)
    result = stylizer(kind(path))
    assert (result.image == stylizer(photo)).all()
    assert (result.frame.image == photo).all()
    assert result.latency_ms > 0
    result.save(tmp_path / "b.png")
    assert (artrt.read_image(tmp_path / "b.png") == result.image).all()
    with pytest.raises(artrt.OutputError, match="unknown picture format"):
        result.save(tmp_path / "b.xyz")


def test_arrays_are_rgb_when_asked(tiny_zoo, stylizer, photo):
    with artrt.Stylizer("udnie", strength=0.5, rgb=True, provider="cpu", zoo=artrt.Zoo(tiny_zoo)) as other:
        assert (other(photo[:, :, ::-1])[:, :, ::-1] == stylizer(photo)).all()
        frame = artrt.Frame(photo)  # a frame says itself what it is
        assert (other(frame).image == stylizer(photo)).all()


def test_what_is_no_picture_is_refused(stylizer):
    with pytest.raises(artrt.UnsupportedImageError, match="got dict"):
        stylizer({})
