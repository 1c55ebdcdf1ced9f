"""Photographs for training: found, checked once, kept in memory, and cropped reproducibly."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..engine.errors import InputError
from ..engine.files import is_hidden

Image = npt.NDArray[np.uint8]

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
HELD_OUT = 64


def find_photographs(folder: Path) -> list[Path]:
    """All picture files below a folder, sorted, without hidden files.

    Raises:
        InputError: The folder is missing or has no pictures.
    """
    if not folder.is_dir():
        raise InputError(f"no such folder of photographs: {folder}")
    paths = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and not is_hidden(path)
    )
    if not paths:
        raise InputError(f"no pictures in {folder} (looked for {', '.join(sorted(SUFFIXES))})")
    return paths


def split_held_out(paths: Sequence[Path], *, count: int = HELD_OUT) -> tuple[list[Path], list[Path]]:
    """Splits into (training, held out): held out are the `count` files whose names have the smallest sha256.

    At most a fifth is held out, so that small folders keep pictures for training.
    """
    ranked = sorted(paths, key=lambda path: hashlib.sha256(os.fsencode(path.name)).hexdigest())
    count = min(count, len(ranked) // 5)
    held_out = set(ranked[:count])
    return [path for path in paths if path not in held_out], sorted(held_out)


@dataclass(frozen=True)
class Photographs:
    """Photographs in memory.

    Attributes:
        images: uint8 [H, W, 3] each, RGB.
        skipped: Files that could not be decoded.
    """

    images: list[Image]
    skipped: list[Path]

    def crops(self, rng: np.random.Generator, size: int, crop_px: int) -> Image:
        """Random crops: uint8 [size, crop_px, crop_px, 3], RGB.

        The scale is random, from the crop's size to the whole short side; half of the crops are flipped.
        """
        crops = [_crop(self.images[i], rng, crop_px) for i in rng.integers(len(self.images), size=size)]
        return np.stack(crops) if crops else np.zeros((0, crop_px, crop_px, 3), np.uint8)

    def batch(self, rng: np.random.Generator, size: int, crop_px: int) -> Tensor:
        """The same as float [size, 3, crop_px, crop_px], RGB in [0, 1]."""
        return unit_range(torch.from_numpy(self.crops(rng, size, crop_px)))


def unit_range(pixels: Tensor) -> Tensor:
    """uint8 [N, H, W, C] -> float [N, C, H, W] in [0, 1], in the channels-last layout."""
    return pixels.permute(0, 3, 1, 2).float() / 255


def load_photographs(
    paths: Sequence[Path], *, short_side_px: int, on_progress: Callable[[int], None] | None = None
) -> Photographs:
    """Decodes photographs; reduces larger ones to `short_side_px`, keeps smaller ones unchanged.

    Raises:
        InputError: None of them can be decoded.
    """
    images, skipped = [], []
    for done, path in enumerate(paths, start=1):
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None or min(image.shape[:2]) < 32:
            skipped.append(path)
        else:
            images.append(_reduce(np.asarray(image[:, :, ::-1], dtype=np.uint8), short_side_px))
        if on_progress is not None:
            on_progress(done)
    if not images:
        raise InputError(f"none of the {len(paths)} photographs can be decoded, for example {paths[0]}")
    return Photographs(images, skipped)


def load_painting(path: Path, *, long_side_px: int) -> Tensor:
    """Reads a style picture: float [1, 3, h, w], RGB in [0, 1], long side reduced to at most `long_side_px`.

    Raises:
        InputError: The file is missing, not a picture, or smaller than 64 px.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if image is None:
        raise InputError(
            f"cannot read the painting {path}: {'not a picture' if path.exists() else 'no such file'}"
        )
    if min(image.shape[:2]) < 64:
        raise InputError(
            f"{path} is {image.shape[1]}x{image.shape[0]}: a painting needs at least 64 px on each side"
        )
    scale = min(1.0, long_side_px / max(image.shape[:2]))
    rgb = _resize(np.asarray(image[:, :, ::-1], dtype=np.uint8), scale)
    return torch.from_numpy(rgb).permute(2, 0, 1)[None].float() / 255


def _reduce(image: Image, short_side_px: int) -> Image:
    return _resize(image, min(1.0, short_side_px / min(image.shape[:2])))


def _resize(image: Image, scale: float) -> Image:
    if scale >= 1:
        return np.ascontiguousarray(image)
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _crop(image: Image, rng: np.random.Generator, crop_px: int) -> Image:
    height, width = image.shape[:2]
    short = min(height, width)
    side = short if short <= crop_px else int(rng.integers(crop_px, short + 1))
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    crop = image[top : top + side, left : left + side]
    if side != crop_px:
        method = cv2.INTER_AREA if side > crop_px else cv2.INTER_CUBIC
        crop = np.asarray(cv2.resize(crop, (crop_px, crop_px), interpolation=method), dtype=np.uint8)
    return np.ascontiguousarray(crop[:, ::-1] if rng.random() < 0.5 else crop)
