"""A fake session whose tensors live on an imaginary device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from artrt.engine.sessions import FakeSession


@dataclass(frozen=True)
class Handle:
    """A tensor on the imaginary device."""

    array: np.ndarray


class DeviceFake(FakeSession):
    """Counts what goes up and comes down."""

    provider = "imaginary"
    device = "imaginary:0"

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.uploads: list[tuple[int, ...]] = []
        self.downloads: list[tuple[int, ...]] = []

    def to_device(self, array):
        self.uploads.append(array.shape)
        return Handle(array.copy())

    def to_host(self, tensor):
        assert isinstance(tensor, Handle)
        self.downloads.append(tensor.array.shape)
        return tensor.array

    def run_on_device(self, feeds, outputs=None):
        assert all(isinstance(tensor, Handle) for tensor in feeds.values())
        results = self.run({name: tensor.array for name, tensor in feeds.items()}, outputs)
        return {name: Handle(array) for name, array in results.items()}
