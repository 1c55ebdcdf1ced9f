"""The saved state of an interrupted painting, in a .safetensors file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ...engine.errors import InputError, OutputError, UsageError
from ...engine.frame import Image
from .options import PaintOptions

#: Options that may differ when a painting is continued.
_FREE = ("device", "tile_px", "bfloat16")


@dataclass(frozen=True)
class PaintState:
    """The state of a painting.

    Attributes:
        pixels: float [1, 3, H, W], RGB, the best picture of the level.
        level: Number of the level, from 0.
        step: Finished steps of this level.
        options: `fingerprint` of the options.
        subject: `subject_hash` of the pictures and the loss network; empty if unknown.
    """

    pixels: Tensor
    level: int
    step: int
    options: str
    subject: str = ""

    def check(self, options: PaintOptions) -> None:
        """Checks that the options are the same.

        Raises:
            UsageError: The state was made with other options; the message names the first difference.
        """
        own, other = json.loads(self.options), json.loads(fingerprint(options))
        for name in other:
            if own.get(name) != other[name]:
                raise UsageError(
                    f"the painting was started with {name} = {own.get(name)}, not {other[name]}: continue with the "
                    "same options, or start again without --resume"
                )

    def check_subject(self, subject: str) -> None:
        """Checks that the pictures are the same.

        Raises:
            UsageError: The state was made from other pictures, or with another loss network.
        """
        if self.subject and self.subject != subject:
            raise UsageError(
                "the painting was started with other pictures (photograph, styles, mask) or another loss network: "
                "continue with the same ones, or start again without --resume"
            )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the state.

        Raises:
            OutputError: The file cannot be written.
        """
        temporary = Path(path).with_name(f".{Path(path).name}.{os.getpid()}.partial")
        metadata = {
            "level": str(self.level),
            "step": str(self.step),
            "options": self.options,
            "subject": self.subject,
        }
        try:
            save_file({"pixels": self.pixels.detach().cpu().contiguous()}, temporary, metadata=metadata)
            temporary.replace(path)
        except (OSError, SafetensorError) as error:
            raise OutputError(f"cannot write {path}: {error}") from error
        finally:
            temporary.unlink(missing_ok=True)


def load_state(path: str | os.PathLike[str]) -> PaintState:
    """Reads a file of `PaintState.save`.

    Raises:
        InputError: The file is missing or not the state of a painting.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            pixels = file.get_tensor("pixels")
        level, step = int(metadata["level"]), int(metadata["step"])
        return PaintState(pixels, level, step, metadata["options"], metadata.get("subject", ""))
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"{path} is not the state of a painting: {error}") from error


def fingerprint(options: PaintOptions) -> str:
    """The options that must stay the same when a painting is continued, as JSON."""
    values = {name: value for name, value in asdict(options).items() if name not in _FREE}
    return json.dumps(values, sort_keys=True)


def subject_hash(pictures: Sequence[Image], loss_network: str) -> str:
    """sha256 of the pictures and the loss network's name, 64 hex digits; must stay the same on continuation."""
    digest = hashlib.sha256(loss_network.encode())
    for picture in pictures:
        digest.update(repr(picture.shape).encode())
        digest.update(np.ascontiguousarray(picture).tobytes())
    return digest.hexdigest()
