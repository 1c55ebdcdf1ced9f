"""Pictures with masks for training the saliency network: reading, held-out split, augmentation.

A picture is stored as uint8 [H, W, 5]: RGB, mask (0 or 255) and class activation map (0 to 255), so a crop, flip or
paste applies to all of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ...engine.errors import InputError

Layers = NDArray[np.uint8]
"""uint8 [H, W, 5]: R, G, B, mask, activation map."""

HOLD_OUT_EVERY = 5
LONG_SIDE_PX = 320
_VIDEO_FRAME = re.compile(r"(?P<sequence>davis_.+)_\d+")


@dataclass(frozen=True)
class MaskedPicture:
    """One picture of the training folder."""

    image: Path
    mask: Path

    @property
    def group(self) -> str:
        """The sequence of a video frame, or the name of a single picture: frames of a sequence stay together."""
        match = _VIDEO_FRAME.fullmatch(self.image.stem)
        return match["sequence"] if match else self.image.stem

    def truth(self) -> NDArray[np.bool_]:
        """Reads the drawn region: bool [H, W].

        Raises:
            InputError: The mask cannot be decoded.
        """
        mask = cv2.imread(str(self.mask), cv2.IMREAD_GRAYSCALE)
        if mask is None:
            raise InputError(f"{self.mask} cannot be decoded as a mask")
        return np.asarray(mask > 127)


def find_masked_pictures(folder: str | Path) -> list[MaskedPicture]:
    """All pictures of `folder`/images that have a mask of the same name in `folder`/masks, sorted by name.

    Raises:
        InputError: There are none.
    """
    images = sorted(path for path in Path(folder, "images").glob("*") if path.suffix in (".jpg", ".png"))
    found = [MaskedPicture(path, Path(folder, "masks", f"{path.stem}.png")) for path in images]
    found = [picture for picture in found if picture.mask.is_file()]
    if not found:
        raise InputError(f"{folder} has no images/NAME.jpg with masks/NAME.png")
    return found


def split_masked(pictures: Sequence[MaskedPicture]) -> tuple[list[MaskedPicture], list[MaskedPicture]]:
    """Splits into training and held-out pictures.

    Single pictures and video sequences are sorted by name separately; the fifth, tenth, ... of each is held out. A
    sequence is never split.
    """
    single = sorted({p.group for p in pictures if p.group == p.image.stem})
    sequences = sorted({p.group for p in pictures if p.group != p.image.stem})
    held = {*single[HOLD_OUT_EVERY - 1 :: HOLD_OUT_EVERY], *sequences[HOLD_OUT_EVERY - 1 :: HOLD_OUT_EVERY]}
    return [p for p in pictures if p.group not in held], [p for p in pictures if p.group in held]


def read_layers(image: Path, mask: Path | None = None, *, long_side_px: int = LONG_SIDE_PX) -> Layers:
    """Reads a picture (and its mask), reduced to `long_side_px`; a missing mask and the activation map are zero.

    Raises:
        InputError: A file cannot be decoded, or the sizes differ.
    """
    pixels = cv2.imread(str(image), cv2.IMREAD_COLOR)
    if pixels is None:
        raise InputError(f"{image} cannot be decoded as a picture")
    layers = np.zeros((*pixels.shape[:2], 5), np.uint8)
    layers[..., :3] = pixels[..., ::-1]
    if mask is not None:
        shape = cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE)
        if shape is None or shape.shape != pixels.shape[:2]:
            raise InputError(f"{mask} is not a mask with the size of {image}")
        layers[..., 3] = shape
    scale = min(1.0, long_side_px / max(pixels.shape[:2]))
    size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
    return _resize(layers, size)


class Augmentation:
    """Random augmentation: crop, scale, flip, pasted objects, colour, blur and noise.

    Args:
        donors: Pictures with masks, whose objects can be pasted into others.
        paste_share: Share of views with a pasted object.
    """

    def __init__(self, donors: Sequence[Layers], *, paste_share: float = 0.4) -> None:
        self._donors = [layers for layers in donors if 0.02 < (layers[..., 3] > 127).mean() < 0.5]
        self._paste_share = paste_share if self._donors else 0.0

    def view(self, layers: Layers, size: tuple[int, int], rng: np.random.Generator) -> Layers:
        """Makes a random view of `layers` with height and width `size`."""
        view = _crop(layers, size, rng)
        if rng.random() < self._paste_share:
            donor = self._donors[rng.integers(len(self._donors))]
            view = _paste(view, donor, rng)
        if rng.random() < 0.5:
            view = view[:, ::-1]
        return _disturb(np.ascontiguousarray(view), rng)


def _resize(layers: Layers, size: tuple[int, int]) -> Layers:
    halves = (
        np.ascontiguousarray(layers[..., :3]),
        np.ascontiguousarray(layers[..., 3:]),
    )  # OpenCV resizes at most 4 channels
    return np.dstack([cv2.resize(half, size, interpolation=cv2.INTER_AREA) for half in halves])


def _crop(layers: Layers, size: tuple[int, int], rng: np.random.Generator) -> Layers:
    height, width = layers.shape[:2]
    area = height * width * (1.0 if rng.random() < 0.25 else rng.uniform(0.3, 1.0))
    aspect = size[1] / size[0] * np.exp(rng.uniform(-0.35, 0.35))
    crop_h = int(np.clip(np.sqrt(area / aspect), 32, height))
    crop_w = int(np.clip(np.sqrt(area * aspect), 32, width))
    top, left = rng.integers(height - crop_h + 1), rng.integers(width - crop_w + 1)
    part = layers[top : top + crop_h, left : left + crop_w]
    return _resize(part, size[::-1])


def _paste(view: Layers, donor: Layers, rng: np.random.Generator) -> Layers:
    """Pastes the donor's object at a random place and scale, with edges feathered over about two pixels."""
    rows, columns = np.nonzero(donor[..., 3] > 127)
    part = donor[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    height, width = view.shape[:2]
    scale = rng.uniform(0.3, 0.95) * min(height / part.shape[0], width / part.shape[1])
    part_h, part_w = (max(8, round(side * scale)) for side in part.shape[:2])
    part = _resize(part, (part_w, part_h))
    top = int(rng.integers(-part_h // 4, height - 3 * part_h // 4 + 1))
    left = int(rng.integers(-part_w // 4, width - 3 * part_w // 4 + 1))
    y0, x0, y1, x1 = max(0, top), max(0, left), min(height, top + part_h), min(width, left + part_w)
    part = part[y0 - top : y1 - top, x0 - left : x1 - left]
    pasted = view.copy()
    alpha = cv2.GaussianBlur(part[..., 3], (3, 3), 0)[..., None].astype(np.float32) / 255
    under = pasted[y0:y1, x0:x1]
    mixed: Layers = (part * alpha + under * (1 - alpha)).round().astype(np.uint8)
    mixed[..., 3] = np.maximum(under[..., 3], part[..., 3])
    pasted[y0:y1, x0:x1] = mixed
    return np.asarray(pasted)


def _disturb(view: Layers, rng: np.random.Generator) -> Layers:
    image = cv2.transform(view[..., :3].astype(np.float32), _colour_change(float(view[..., :3].mean()), rng))
    if rng.random() < 0.2:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.5))
    if rng.random() < 0.3:
        image = image + rng.uniform(1, 10) * rng.standard_normal(image.shape, np.float32)
    view[..., :3] = np.clip(image, 0, 255)
    return view


def _colour_change(mean: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Random brightness, contrast about the picture's `mean`, saturation and white balance: float32 [3, 4]."""
    brightness, contrast = rng.uniform(0.7, 1.3), rng.uniform(0.6, 1.4)
    saturation = 0.0 if rng.random() < 0.08 else rng.uniform(0.4, 1.6)
    mixing = saturation * np.eye(3) + (1 - saturation) / 3
    offset = np.full((3, 1), brightness * mean * (1 - contrast))
    white = rng.uniform(0.85, 1.15, size=(3, 1))
    return np.asarray(white * np.hstack([brightness * contrast * mixing, offset]), np.float32)
