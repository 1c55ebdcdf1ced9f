"""A picture in every style: thumbnails, and small live pictures."""

from __future__ import annotations

import threading

from ..frame import Image
from ..sources.base import Size, scaled
from ..stages.loading import load_stage
from ..stages.stage import Stage
from ..zoo.zoo import Zoo
from .controls import THUMBNAIL_PX
from .styling import model_file, style_vector


class Previewer:
    """Renders small pictures on one CPU thread; loads the model for the first one.

    Args:
        model: A style transformer of the zoo, or the path of a `stylize` stage.
        zoo: The zoo of the styles.
        models: The zoo of the model; None means `zoo`.
    """

    def __init__(self, model: str, *, zoo: Zoo, models: Zoo | None = None) -> None:
        self._model = model
        self._zoo = zoo
        self._models = models or zoo
        self._stage: Stage | None = None
        self._lock = threading.Lock()

    def __call__(self, style: str, image: Image, *, short_side_px: int = THUMBNAIL_PX) -> Image:
        """Renders a picture in a style.

        Args:
            style: Name of a style of the zoo.
            image: uint8 [H, W, 3], BGR.
            short_side_px: Short side of the result in pixels.

        Returns:
            uint8 [h, w, 3], BGR.
        """
        with self._lock:
            if self._stage is None:
                self._stage = load_stage(model_file(self._model, self._models), provider="cpu", threads=1)
            vector = style_vector(self._zoo.style(style), self._stage)
            return self._stage(scaled(image, Size(short_side_px)), style=vector)
