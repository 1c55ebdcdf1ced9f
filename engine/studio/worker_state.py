"""State that a worker keeps between tasks."""

from __future__ import annotations

from collections import OrderedDict

from ..closing import Closing
from ..frame import Image, read_image, reduced
from ..looks.stabilizer import Stabilizer
from .options import StudioOptions
from .painter import Painter

VIEW_PX = 1600
REMEMBERED_PHOTOS = 8
REMEMBERED_VIEWERS = 32


class WorkerState(Closing):
    """State that a worker keeps between tasks: loaded stages, and the last photographs, reduced.

    Args:
        options: Models and limits.
        threads: Threads of one inference on a CPU.
    """

    def __init__(self, options: StudioOptions, *, threads: int | None) -> None:
        self.options = options
        self.paint = Painter(options, threads=threads)
        self._views: OrderedDict[tuple[str, int], Image] = OrderedDict()
        self._stabilizers: OrderedDict[str, Stabilizer] = OrderedDict()

    @property
    def provider(self) -> str:
        """Provider of the stages."""
        return self.paint.chain.provider

    def view(self, path: str, *, long_side_px: int) -> Image:
        """A photograph, reduced to a long side in pixels, uint8 [h, w, 3] BGR; decoded once."""
        key = (path, VIEW_PX)
        if key not in self._views:
            self.remember(path, read_image(path))
        self._views.move_to_end(key)
        return reduced(self._views[key], long_side_px=long_side_px)

    def remember(self, path: str, image: Image) -> None:
        """Stores a photograph in the page's size."""
        self._views[path, VIEW_PX] = reduced(image, long_side_px=VIEW_PX)
        while len(self._views) > REMEMBERED_PHOTOS:
            self._views.popitem(last=False)

    def stabilizer(self, viewer: str) -> Stabilizer:
        """The stabilizer of a viewer."""
        found = self._stabilizers.setdefault(viewer, Stabilizer())
        self._stabilizers.move_to_end(viewer)
        while len(self._stabilizers) > REMEMBERED_VIEWERS:
            self._stabilizers.popitem(last=False)
        return found

    def close(self) -> None:
        """Frees the models."""
        self.paint.chain.close()
