"""Checkpoints: the complete state of a training in one file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...engine.errors import InputError, UsageError
from ...engine.files import replacing

CHECKPOINT_FILE = "checkpoint.pt"
#: Before the names of the transformer's and the encoder's weights among the averages.
TRUNK_PREFIX = "transformer."
ENCODER_PREFIX = "encoder."


def write_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Writes a checkpoint atomically.

    Raises:
        OutputError: The file cannot be written.
    """
    content = io.BytesIO()  # torch.save hides why a file could not be written behind an error of its own
    torch.save(dict(state), content)
    with replacing(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def read_checkpoint(path: Path, device: str | torch.device = "cpu") -> dict[str, Any]:
    """Reads a checkpoint of `Trainer.save_checkpoint`.

    Raises:
        InputError: The file is missing, unreadable or not a checkpoint of a training.
    """
    if not path.is_file():
        raise InputError(f"no checkpoint {path}")
    fault = f"cannot read the checkpoint: {path} is not a checkpoint of a trunk or a style"
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        missing = {"config", "styles", "transformer", "bank", "average", "history", "step"} - set(state)
    except Exception as error:  # pickle and zip raise many types, some with many lines
        raise InputError(fault) from error
    if missing:
        raise InputError(f"{fault}: it has no {min(missing)!r}")
    return state


def averaged_weights(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The averaged state dict of a checkpoint's transformer; empty if only styles were trained."""
    average: Mapping[str, Tensor] = state["average"]
    return {
        name.removeprefix(TRUNK_PREFIX): t for name, t in average.items() if name.startswith(TRUNK_PREFIX)
    }


def averaged_encoder(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The averaged state dict of a checkpoint's style encoder; empty if none was trained."""
    known: Mapping[str, Tensor] = state.get("encoder", {})
    return {name: state["average"].get(f"{ENCODER_PREFIX}{name}", tensor) for name, tensor in known.items()}


def check_styles(path: Path, state: Mapping[str, Any], *, config: str, styles: list[str]) -> None:
    """Checks that a checkpoint has this configuration and these styles.

    Raises:
        UsageError: It has not.
    """
    if state["config"] != config:
        raise UsageError(f"{path} is of the configuration {state['config']!r}, not {config!r}")
    if list(state["styles"]) != styles:
        raise UsageError(f"{path} trains the styles {', '.join(state['styles'])}, not {', '.join(styles)}")
