"""A new style from a picture of a painting: the vector is trained, the trunk stays as it is."""

from __future__ import annotations

import os
import tempfile
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
from ..models.networks.transformer import load_trunk
from ..models.training import style_training
from ..models.training.options import TermWeights, TrainingOptions
from ..models.training.trainer import Progress, Trainer, prepare_photographs
from .zoo_from_checkpoint import style_of

DEFAULT_MINUTES = 20.0
LOSSES = {"content": 0.1, "cam": 0.05}
DEFAULTS: Mapping[str, Any] = {
    "loss_network": "auto",  # the best that is on this machine
    "steps": 1,
    "learning_rate": 2e-2,
    "vector_rate": 1.0,
    "losses": TermWeights(**LOSSES),
    "ramp_start": 50,
    "ramp_steps": 100,
    "ema": 0.99,
}
"""What the training of a style does otherwise than that of a trunk."""


@dataclass(frozen=True)
class TrainedStyle:
    """A style and how its training went.

    Args:
        style: The style.
        steps: Steps that were made.
        finished: False when it was stopped before its last step.
        skipped: Photographs that could not be read.
    """

    style: Style
    steps: int
    finished: bool
    skipped: tuple[Path, ...] = ()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the style file; `--style PATH` and `Stylizer(PATH)` take it.

        Raises:
            OutputError: The file cannot be written.
        """
        save_style(path, self.style)


def train_style(
    painting: str | os.PathLike[str],
    photographs: str | os.PathLike[str],
    *,
    name: str | None = None,
    model: str = "small",
    minutes: float | None = DEFAULT_MINUTES,
    on_progress: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
    **options: Any,
) -> TrainedStyle:
    """Trains the vector of a painting against a trunk that stays as it is.

    Args:
        painting: Picture of the painting.
        photographs: Folder of photographs to paint.
        name: Name of the style; by default that of the picture's file.
        model: Trunk of the zoo by name, or its `.safetensors`.
        minutes: Time to take; None makes `steps` steps.
        on_progress: Called after every step.
        stop: Asked after every step; the style is what it is by then once it says True.
        options: Everything else that `TrainingOptions` has, by name: steps, losses, device, `output` (a folder for
            checkpoints, from which a second call goes on), …

    Raises:
        InputError: A picture or a folder cannot be read.
        UsageError: A setting that is not possible.

    Example:
        >>> artrt.train_style("irises.jpg", "photos", minutes=5).save("irises.safetensors")
    """
    zoo, name = Zoo(), name or Path(painting).stem
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
            **{**DEFAULTS, **options},
        )
        prepared = prepare_photographs(asked)
        vector, trainer = style_training.train_style(
            asked,
            trunk=trunk,
            known={known_name: torch.from_numpy(vector) for known_name, vector in known.items()},
            photographs=prepared,
            minutes=minutes,
            on_progress=on_progress,
            stop=stop,
        )
    facts = _facts(trainer) | {"painting": Path(painting).name}
    style = style_of(name, vector.numpy(), trunk=key, training=facts, losses=trainer.last_terms)
    return TrainedStyle(style, trainer.step, trainer.step >= trainer.options.steps, tuple(prepared.skipped))


def _read_off(zoo: Zoo, painting: str | os.PathLike[str], trunk: str) -> dict[str, NDArray[np.float32]]:
    """What the style encoder reads off the painting, where there is one for this trunk: a start close to the end."""
    try:
        style = zoo.style_of_picture(read_painting(painting))
    except ArtrtError:  # no encoder here; what is wrong with the picture is told by the training
        return {}
    return {READ: style.vector} if style.trunk == trunk else {}


def _facts(trainer: Trainer) -> dict[str, Any]:
    """What the style file says about its training."""
    return {
        "kind": "vector",
        "steps": trainer.step,
        "losses": asdict(trainer.options.losses),
        "style_long_side_px": trainer.options.style_long_side_px,
        "loss_network": trainer.objective.loss_network.name,
    }
