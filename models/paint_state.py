"""A painting that was stopped: its picture and how far it came, kept in a .safetensors file."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..engine.errors import InputError, OutputError, UsageError
from .paint_options import PaintOptions

#: Options that may differ between a painting and its continuation.
_FREE = ("device", "tile_px")


@dataclass(frozen=True)
class PaintState:
    """Where a painting stands.

    Attributes:
        pixels: float [1, 3, H, W], RGB, the best picture of the level.
        level: Number of the level, from 0.
        step: Steps done at this level.
        options: `fingerprint` of the options.
    """

    pixels: Tensor
    level: int
    step: int
    options: str

    def check(self, options: PaintOptions) -> None:
        """Refuses to go on with other options.

        Raises:
            UsageError: The state was made with other options; names the first one that differs.
        """
        own, other = json.loads(self.options), json.loads(fingerprint(options))
        for name in other:
            if own.get(name) != other[name]:
                raise UsageError(
                    f"the painting was begun with {name} = {own.get(name)}, not {other[name]}: go on with the same "
                    "options, or begin anew without --resume"
                )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the state.

        Raises:
            OutputError: The file cannot be written.
        """
        temporary = Path(path).with_name(f".{Path(path).name}.{os.getpid()}.partial")
        metadata = {"level": str(self.level), "step": str(self.step), "options": self.options}
        try:
            save_file({"pixels": self.pixels.detach().cpu().contiguous()}, temporary, metadata=metadata)
            temporary.replace(path)
        except (OSError, SafetensorError) as error:
            raise OutputError(f"cannot write {path}: {error}") from error
        finally:
            temporary.unlink(missing_ok=True)


def load_state(path: str | os.PathLike[str]) -> PaintState:
    """Reads what `PaintState.save` wrote.

    Raises:
        InputError: The file is missing or no state of a painting.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            pixels = file.get_tensor("pixels")
        return PaintState(pixels, int(metadata["level"]), int(metadata["step"]), metadata["options"])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise InputError(f"{path} is not the state of a painting: {error}") from error


def fingerprint(options: PaintOptions) -> str:
    """The options that a continuation must share, as JSON."""
    values = {name: value for name, value in asdict(options).items() if name not in _FREE}
    return json.dumps(values, sort_keys=True)
