"""Training data of the saliency network: pictures with masks, by group, and photographs with teachers' masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ...engine.errors import InputError
from ...engine.frame import write_image
from ..networks.localization import LocalizationNetwork, load_localization_network
from ..networks.saliency import Image, SaliencyNetwork, load_saliency_network
from ..photos import find_photographs, split_held_out
from .pictures import Layers, MaskedPicture, read_layers
from .teacher_masks import teacher_mask

SEQUENCE_WEIGHT = 8
"""A video sequence counts as this many single pictures, because its frames are similar."""


@dataclass(frozen=True)
class TrainingData:
    """Decoded pictures.

    Attributes:
        groups: Pictures with masks; the frames of one sequence are one group.
        weights: float64 [len(groups)], probability of each group; the sum is 1.
        photographs: Pictures without a drawn mask.
    """

    groups: list[list[Layers]]
    weights: NDArray[np.float64]
    photographs: list[Layers]

    def draw(self, photograph: bool, rng: np.random.Generator) -> Layers:
        """A random photograph, or a random picture with a mask."""
        if photograph:
            return self.photographs[rng.integers(len(self.photographs))]
        group = self.groups[rng.choice(len(self.groups), p=self.weights)]
        return group[rng.integers(len(group))]


def gather_training_data(
    training: Sequence[MaskedPicture],
    *,
    localization: Path,
    photographs: Path | None,
    teachers: Sequence[Path],
    cache: Path,
) -> TrainingData:
    """Reads the training pictures and computes every activation map and teacher mask once.

    Args:
        training: Pictures with masks.
        localization: Weights of SqueezeNet 1.1.
        photographs: Folder of photographs without masks; the evaluation photographs are skipped.
        teachers: Trained saliency networks that compute masks for the photographs; without them, masks are empty.
        cache: Folder for the results computed for the photographs, for a resumed training.

    Raises:
        InputError: A file is missing or unreadable; photographs that cannot be decoded are skipped.
    """
    network = load_localization_network(localization)
    groups: dict[str, list[Layers]] = {}
    for picture in training:
        layers = read_layers(picture.image, picture.mask)
        layers[..., 4] = activation_map(network, layers[..., :3])
        groups.setdefault(picture.group, []).append(layers)
    weights = np.array([SEQUENCE_WEIGHT if len(group) > 1 else 1 for group in groups.values()], np.float64)
    unmasked = [] if photographs is None else _photographs(photographs, network, teachers, cache)
    return TrainingData(list(groups.values()), weights / weights.sum(), unmasked)


def activation_map(network: LocalizationNetwork, image: Image) -> Image:
    """The class activation map of the most likely class: uint8 [H, W] for a picture uint8 [H, W, 3] RGB."""
    with torch.no_grad():
        tensor = torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255
        maps = network(network.prepare(tensor))
        cam = network.cam(maps, network.logits(maps).argmax(dim=1))[0].numpy()
    full = cv2.resize(cam, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(full * 255, 0, 255), np.uint8)


def _photographs(
    folder: Path, localization: LocalizationNetwork, teachers: Sequence[Path], cache: Path
) -> list[Layers]:
    networks = [load_saliency_network(teacher)[0] for teacher in teachers]
    cache.mkdir(parents=True, exist_ok=True)
    found = []
    for path in split_held_out(find_photographs(folder))[0]:
        try:
            layers = read_layers(path)
        except InputError:
            continue
        layers[..., 3:] = _mask_and_activation(
            cache / f"{path.stem}.png", layers[..., :3], localization, networks
        )
        found.append(layers)
    return found


def _mask_and_activation(
    path: Path, image: Image, localization: LocalizationNetwork, teachers: Sequence[SaliencyNetwork]
) -> Image:
    """Mask (zero without teachers) and activation map, uint8 [H, W, 2], from the cache if present."""
    cached = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if cached is None or cached.shape != image.shape:
        cached = np.zeros_like(image)
        cached[..., 0] = teacher_mask(teachers, np.ascontiguousarray(image)) if teachers else 0
        cached[..., 1] = activation_map(localization, image)
        write_image(path, cached)
    return np.asarray(cached[..., :2], np.uint8)
