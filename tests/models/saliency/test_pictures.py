from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from artrt.engine.errors import InputError
from artrt.models.saliency.pictures import (
    Augmentation,
    Layers,
    _colour_change,
    find_masked_pictures,
    read_layers,
    split_masked,
)


def write_pictures(folder: Path, *, singles: int = 10, sequences: int = 5, frames: int = 2) -> Path:
    """Pictures with a bright square, their masks, and sequences of them."""
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    names = [f"coco_{index:03}" for index in range(singles)]
    names += [f"davis_clip-{letter}_{n:05}" for letter in "abcdefgh"[:sequences] for n in range(frames)]
    rng = np.random.default_rng(0)
    for name in names:
        picture = rng.integers(0, 90, (60, 80, 3), np.uint8)
        mask = np.zeros((60, 80), np.uint8)
        top, left = rng.integers(5, 30, 2)
        mask[top : top + 20, left : left + 30] = 255
        picture[mask > 0] += 150
        cv2.imwrite(str(folder / "images" / f"{name}.jpg"), picture)
        cv2.imwrite(str(folder / "masks" / f"{name}.png"), mask)
    return folder


def test_every_fifth_picture_and_sequence_is_held_out(tmp_path: Path) -> None:
    pictures = find_masked_pictures(write_pictures(tmp_path))
    training, held_out = split_masked(pictures)
    names = ["coco_004", "coco_009", "davis_clip-e_00000", "davis_clip-e_00001"]
    assert [picture.image.stem for picture in held_out] == names
    assert len(training) + len(held_out) == len(pictures) == 20
    assert not {picture.group for picture in training} & {picture.group for picture in held_out}
    assert held_out[0].truth().sum() == 600


def test_the_split_of_the_real_pictures(shared_dir: Path) -> None:
    training, held_out = split_masked(find_masked_pictures(shared_dir / "saliency"))
    assert (len(training), len(held_out)) == (843, 218)
    sequences = {picture.group for picture in held_out if picture.group.startswith("davis")}
    assert sequences == {"davis_dance-twirl", "davis_soapbox"}


def test_a_folder_without_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="masks/NAME"):
        find_masked_pictures(tmp_path)


def layers(tmp_path: Path) -> Layers:
    picture = find_masked_pictures(write_pictures(tmp_path, sequences=0))[0]
    return read_layers(picture.image, picture.mask)


def test_masks_travel_with_their_pictures(tmp_path: Path) -> None:
    original = layers(tmp_path)
    augmentation = Augmentation([original], paste_share=0.0)
    rng = np.random.default_rng(1)
    for _ in range(20):
        view = augmentation.view(original, (32, 48), rng)
        assert view.shape == (32, 48, 5)
        inside, outside = view[..., 3] > 200, view[..., 3] < 50
        if inside.sum() > 50 and outside.sum() > 50:
            assert view[inside][:, :3].mean() > view[outside][:, :3].mean() + 30


def test_pasted_objects_join_the_mask(tmp_path: Path) -> None:
    donor = layers(tmp_path)
    empty = np.full_like(donor, 20)
    empty[..., 3:] = 0
    pasting = Augmentation([donor], paste_share=1.0)
    shares = [
        (pasting.view(empty, (32, 48), np.random.default_rng(n))[..., 3] > 127).mean() for n in range(8)
    ]
    assert min(shares) > 0.01
    plain = Augmentation([donor], paste_share=0.0).view(empty, (32, 48), np.random.default_rng(0))
    assert plain[..., 3].max() == 0


def test_views_follow_from_the_random_state_alone(tmp_path: Path) -> None:
    original = layers(tmp_path)
    augmentation = Augmentation([original])
    one, two = (augmentation.view(original, (32, 32), np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(one, two)


def test_colours_change_about_the_mean_of_the_picture() -> None:
    grey = np.full(3, 90.0)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        brightness, contrast = np.random.default_rng(seed).uniform((0.7, 0.6), (1.3, 1.4))
        change = _colour_change(90.0, rng)
        assert change.shape == (3, 4)
        painted = change[:, :3] @ grey + change[:, 3]
        np.testing.assert_allclose(painted / (90 * brightness), 1, atol=0.151)  # only white balance is left
        brighter = change[:, :3] @ (grey + 10) + change[:, 3]
        np.testing.assert_allclose((brighter - painted) / (painted / 90), 10 * contrast, rtol=1e-4)


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.jpg cannot be decoded"):
        read_layers(tmp_path / "missing.jpg")
    picture = find_masked_pictures(write_pictures(tmp_path, sequences=0))[0]
    cv2.imwrite(str(picture.mask), np.zeros((5, 5), np.uint8))
    with pytest.raises(InputError, match="not a mask with the size"):
        read_layers(picture.image, picture.mask)
