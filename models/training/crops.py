"""Random crops of photographs and paintings for the distillation of a loss network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..photos import Photographs, find_photographs, load_photographs, split_held_out
from ..step_batches import StepBatches, parallel

_SHORT_SIDE_PX = 256
_READERS = 8

#: Photographs and paintings of a step: uint8 [N, px, px, 3] each, RGB.
Pair = tuple[Tensor, Tensor]


class Crops(StepBatches[Pair]):
    """Endless crops of photographs and paintings; those of a step depend only on the seed and its number.

    Args:
        photographs: Folders of photographs.
        paintings: Folders of paintings.
        size: Crops of each kind per step.
        side_px: Side of a crop.
        seed: Seed of the choice.

    Raises:
        InputError: A folder is missing or has no pictures.
    """

    def __init__(
        self, photographs: Sequence[Path], paintings: Sequence[Path], *, size: int, side_px: int, seed: int
    ) -> None:
        super().__init__()
        self._kinds = (_read(photographs), _read(paintings))
        self._size, self._side_px, self._seed = size, side_px, seed

    def at(self, step: int, *, size: int | None = None) -> Pair:
        """The crops of a step; `size` of each kind instead of the usual number."""
        rng = np.random.default_rng([self._seed, step])
        photographs, paintings = (
            torch.from_numpy(kind.crops(rng, size or self._size, self._side_px)) for kind in self._kinds
        )
        return photographs, paintings

    def ahead(self, workers: int, *, pinned: bool = False) -> Iterable[Pair]:
        """The crops of all steps, in order, made in advance.

        Args:
            workers: Processes; 0 to crop in this one.
            pinned: Put them into memory that a GPU copies from without waiting.
        """
        return parallel(self, workers=workers, pin_memory=pinned) if workers else self


def _read(folders: Sequence[Path]) -> Photographs:
    """Pictures of all folders, without the held-out ones."""
    paths = [path for folder in folders for path in split_held_out(find_photographs(folder))[0]]

    def read(part: list[Path]) -> Photographs:
        return load_photographs(part, short_side_px=_SHORT_SIDE_PX)

    with ThreadPoolExecutor(_READERS) as pool:
        loaded = list(pool.map(read, (paths[start::_READERS] for start in range(min(_READERS, len(paths))))))
    return Photographs(
        [image for part in loaded for image in part.images],
        [path for part in loaded for path in part.skipped],
    )
