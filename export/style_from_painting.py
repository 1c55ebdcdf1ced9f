"""Trains a new style from a picture of a painting: only the vector is trained, the trunk is frozen."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..engine.errors import ArtrtError
from ..engine.zoo.picture_style import READ, read_painting
from ..engine.zoo.style import SUFFIX, Style, save_style
from ..engine.zoo.zoo import Zoo
from ..models.networks.pretrained import is_installed
from ..models.networks.transformer import load_trunk
from ..models.training import style_training
from ..models.training.options import TermWeights, TrainingOptions
from ..models.training.trainer import Progress, Trainer, prepare_photographs

DEFAULT_MINUTES = 20.0
CONTENT, MATCH, CAM = 0.03, 0.15, 0.04
DEFAULTS: Mapping[str, Any] = {
    "loss_network": "auto",  # the best available on this machine
    "steps": 1,
    "learning_rate": 2e-2,
    "vector_rate": 1.0,
    "ramp_start": 50,
    "ramp_steps": 100,
    "ema": 0.99,
}
"""Options in which the training of a style differs from that of a trunk."""


@dataclass(frozen=True)
class TrainedStyle:
    """A trained style, and information about its training.

    Args:
        style: The style.
        steps: Number of steps.
        finished: False if it was stopped before the last step.
        skipped: Photographs that could not be read.
    """

    style: Style
    steps: int
    finished: bool
    skipped: tuple[Path, ...] = ()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the style file, which `--style PATH` and `Stylizer(PATH)` accept.

        Raises:
            OutputError: The file cannot be written.
        """
        save_style(path, self.style)


def default_losses(directory: str | os.PathLike[str] | None = None) -> TermWeights:
    """The weights of the terms; the region loss only if SqueezeNet is on this machine.

    Args:
        directory: Folder to search before the caches.
    """
    cam = CAM if is_installed("squeezenet1_1", directory=directory) else 0.0
    return TermWeights(content=CONTENT, match=MATCH, cam=cam)


def train_style(
    painting: str | os.PathLike[str],
    photographs: str | os.PathLike[str],
    *,
    name: str | None = None,
    model: str = "small",
    minutes: float | None = DEFAULT_MINUTES,
    about: Mapping[str, str] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
    **options: Any,
) -> TrainedStyle:
    """Trains the vector of a painting against a frozen trunk.

    Args:
        painting: Picture of the painting.
        photographs: Folder of photographs to paint.
        name: Name of the style; by default the name of the picture file.
        model: Trunk of the zoo by name, or its `.safetensors`.
        minutes: Duration of the training; None runs `steps` steps.
        about: Facts for the style file: "title", "artist", "year", "licence". Nothing is concluded from the name.
        on_progress: Called after every step.
        stop: Called after every step; True stops the training early.
        options: Other fields of `TrainingOptions` by name: steps, losses, device, `output` (a folder for
            checkpoints, from which a second call continues), …

    Raises:
        InputError: A picture or a folder cannot be read.
        UsageError: An invalid setting.

    Example:
        >>> artrt.train_style("irises.jpg", "photos", minutes=5).save("irises.safetensors")
    """
    began, zoo, name = time.monotonic(), Zoo(), name or Path(painting).stem
    trunk = load_trunk(Path(model) if model.endswith(SUFFIX) else zoo.path(f"trunk-{model}{SUFFIX}"))
    key = trunk.trunk_hash()
    known = {style.name: style.vector for style in map(zoo.style, zoo.styles()) if style.trunk == key}
    known |= _read_off(zoo, painting, key)
    with ExitStack() as stack:
        if "output" not in options:
            options["output"] = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="artrt-style-")))
        asked = TrainingOptions(
            paintings={name: Path(painting)},
            photographs=Path(photographs),
            config=trunk.config.name,
            **{"losses": default_losses(options.get("weights_directory")), **DEFAULTS, **options},
        )
        prepared = prepare_photographs(asked)
        vector, trainer = style_training.train_style(
            asked,
            trunk=trunk,
            known={known_name: torch.from_numpy(vector) for known_name, vector in known.items()},
            photographs=prepared,
            minutes=None if minutes is None else minutes - (time.monotonic() - began) / 60,
            on_progress=on_progress,
            stop=stop,
        )
    facts, losses = _facts(trainer), trainer.last_terms
    style = Style(name, vector.numpy(), key, training=facts, losses=losses, **(about or {}))
    return TrainedStyle(style, trainer.step, trainer.step >= trainer.options.steps, tuple(prepared.skipped))


def _read_off(zoo: Zoo, painting: str | os.PathLike[str], trunk: str) -> dict[str, NDArray[np.float32]]:
    """The style encoder's vector for the painting, a good start; None if there is no encoder for this trunk."""
    try:
        style = zoo.style_of_picture(read_painting(painting))
    except ArtrtError:  # no encoder; the training reports errors of the picture
        return {}
    return {READ: style.vector} if style.trunk == trunk else {}


def _facts(trainer: Trainer) -> dict[str, Any]:
    """The training record of the style file."""
    return {
        "kind": "vector",
        "painting": next(iter(trainer.options.paintings.values())).name,
        "steps": trainer.step,
        "losses": asdict(trainer.options.losses),
        "style_long_side_px": trainer.options.style_long_side_px,
        "loss_network": trainer.objective.loss_network.name,
    }
