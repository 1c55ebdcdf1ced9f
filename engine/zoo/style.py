"""Styles: a vector of scales and shifts with information about its painting, in one small file."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, IntegrityError, UsageError
from ..files import replacing
from ..frame import IMAGE_SUFFIXES
from ..pictures.heif import HEIF_SUFFIXES

SUFFIX = ".safetensors"
TENSOR = "style"
LARGEST_WEIGHT = 1000.0
# A style has one or two thousand values, none above 10.
LARGEST_FILE = 1_000_000
LARGEST_VALUE = 1000.0
TEXT_FIELDS = ("name", "title", "artist", "year", "public_domain", "source", "licence", "trunk")
JSON_FIELDS = ("training", "losses")


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """One style.

    Args:
        name: Short name, as used on the command line ("starry-night").
        vector: float32 [D], the scales and shifts of the trunk's normalisation layers.
        trunk: sha256 of the trunk it was trained for; it works with no other.
        title: Title of the painting.
        artist: Its painter.
        year: Year or years, as text.
        public_domain: Why the painting is in the public domain.
        source: Where the picture of the painting is from.
        licence: Terms of the style file.
        training: Settings of the training.
        losses: Measured losses.
    """

    name: str
    vector: NDArray[np.float32]
    trunk: str = ""
    title: str = ""
    artist: str = ""
    year: str = ""
    public_domain: str = ""
    source: str = ""
    licence: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    losses: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Checks rank, type and values of the vector."""
        if self.vector.ndim != 1 or self.vector.dtype != np.float32 or self.vector.size == 0:
            raise UsageError(f"a style is float32 [D], got {self.vector.dtype} {list(self.vector.shape)}")
        if not np.isfinite(self.vector).all():
            raise UsageError(f"style '{self.name}' holds values that are not finite")

    def __repr__(self) -> str:
        """Shows the size, not the values."""
        return f"Style('{self.name}', {self.vector.size} values, trunk={self.trunk[:8] or 'unknown'})"


def load_style(path: str | os.PathLike[str]) -> Style:
    """Reads a style file; the file may be untrusted.

    Raises:
        InputError: The file is missing, unreadable, or not a style; see `LARGEST_FILE` and `LARGEST_VALUE`.
    """
    from safetensors import SafetensorError

    try:
        if Path(path).stat().st_size > LARGEST_FILE:
            raise InputError(f"{path} is not a style file: it is larger than {LARGEST_FILE / 1e6:.0f} MB")
        vector, metadata = _contents(path)
        facts: dict[str, Any] = {name: _facts(metadata[name]) for name in JSON_FIELDS if name in metadata}
        facts |= {name: printable(metadata[name]) for name in TEXT_FIELDS if name in metadata}
        return Style(vector=vector, **{"name": Path(path).stem, **facts})
    except FileNotFoundError as error:
        raise InputError(f"no style file {path}") from error
    except (SafetensorError, OSError, UsageError, msgspec.MsgspecError, RecursionError) as error:
        raise InputError(f"{path} is not a style file: {error}") from error


def printable(text: str) -> str:
    """A text without terminal control characters."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )


def _contents(path: str | os.PathLike[str]) -> tuple[NDArray[np.float32], dict[str, str]]:
    from safetensors import safe_open

    with safe_open(os.fspath(path), framework="numpy") as file:
        metadata: dict[str, str] = file.metadata() or {}
        kind = file.get_slice(TENSOR).get_dtype()
        if kind != "F32":
            raise UsageError(f"its values are {kind}, expected F32")
        vector: NDArray[np.float32] = file.get_tensor(TENSOR)
    if vector.size and not np.abs(vector).max() <= LARGEST_VALUE:
        raise UsageError(f"it holds values that are not finite, or beyond {LARGEST_VALUE:g}")
    return vector, metadata


def _facts(text: str) -> dict[str, Any]:
    """Parses the facts; removes control characters from their texts."""
    cleaned: dict[str, Any] = _printable_all(msgspec.json.decode(text, type=dict[str, Any]))
    return cleaned


def _printable_all(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_printable_all(entry) for entry in value]
    if isinstance(value, dict):
        return {printable(key): _printable_all(entry) for key, entry in value.items()}
    return value


def save_style(path: str | os.PathLike[str], style: Style) -> None:
    """Writes a style file atomically.

    Raises:
        OutputError: The file cannot be written.
    """
    from safetensors.numpy import save

    metadata = {name: str(getattr(style, name)) for name in TEXT_FIELDS}
    metadata |= {name: json.dumps(dict(getattr(style, name)), sort_keys=True) for name in JSON_FIELDS}
    data = save({TENSOR: np.ascontiguousarray(style.vector)}, metadata=metadata)
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def names_picture(name: str) -> bool:
    """Whether a style name is the path of a picture, by its suffix."""
    return Path(name).suffix.lower() in IMAGE_SUFFIXES | HEIF_SUFFIXES


def parse_mix(text: str) -> list[tuple[str, float]]:
    """Reads "starry-night", "starry-night:0.7+udnie:0.3" or "starry-night+udnie" (equal parts).

    Args:
        text: Names, or paths of style files and pictures, joined by `+`, each with an optional `:weight`.

    Returns:
        Names with their weights; 1 where none is written.

    Raises:
        UsageError: The text is empty, or a weight is not a positive number.
    """
    parts = [_parse_part(part.strip(), text) for part in text.split("+")]
    if len({name for name, _ in parts}) < len(parts):
        raise UsageError(f"style '{text}' names a style twice")
    return parts


def normalise_weights(weights: Sequence[float]) -> tuple[list[float], str | None]:
    """Scales weights to the sum 1.

    Returns:
        The weights, and a notice for the user if the given ones were neither all 1 nor summed to 1.
    """
    total = math.fsum(weights)
    scaled = [weight / total for weight in weights]
    if abs(total - 1) < 1e-3 or all(weight == 1 for weight in weights):
        return scaled, None
    shown = " + ".join(f"{weight:g}" for weight in weights)
    return scaled, f"style weights {shown} sum to {total:g}; using " + " + ".join(
        f"{weight:.3g}" for weight in scaled
    )


def mix(styles: Sequence[Style], weights: Sequence[float]) -> Style:
    """The weighted sum of styles of one trunk; weights are scaled to the sum 1.

    Raises:
        UsageError: No style, or the number of weights differs.
        IntegrityError: The styles belong to different trunks.
    """
    if not styles or len(styles) != len(weights):
        raise UsageError(
            f"a mix needs one weight per style, got {len(styles)} styles and {len(weights)} weights"
        )
    if len({(style.trunk, style.vector.size) for style in styles}) > 1:
        listed = ", ".join(f"'{style.name}' ({style.trunk[:8]})" for style in styles)
        raise IntegrityError(f"styles of different trunks cannot be mixed: {listed}")
    scaled, _ = normalise_weights(weights)
    if len(styles) == 1:
        return styles[0]
    vector = sum(np.float32(weight) * style.vector for weight, style in zip(scaled, styles, strict=True))
    name = "+".join(f"{style.name}:{weight:.3g}" for weight, style in zip(scaled, styles, strict=True))
    return replace(styles[0], name=name, vector=np.asarray(vector, np.float32), **_shared_facts(styles))


def require_trunk(style: Style, trunk: str) -> None:
    """Checks that a style fits a trunk.

    Raises:
        IntegrityError: It was trained for another one.
    """
    if style.trunk != trunk:
        raise IntegrityError(
            f"style '{style.name}' belongs to trunk {style.trunk[:8] or 'unknown'}, "
            f"but the model's trunk is {trunk[:8] or 'unknown'}: train it again for this model"
        )


def _shared_facts(styles: Sequence[Style]) -> dict[str, Any]:
    facts: dict[str, Any] = {
        name: "; ".join(dict.fromkeys(str(getattr(style, name)) for style in styles if getattr(style, name)))
        for name in ("title", "artist", "year", "public_domain", "source", "licence")
    }
    return facts | {"training": {}, "losses": {}}


def _parse_part(part: str, text: str) -> tuple[str, float]:
    name, separator, weight_text = part.rpartition(":")
    if not separator or Path(weight_text).suffix in (
        SUFFIX,
        *IMAGE_SUFFIXES,
        *HEIF_SUFFIXES,
    ):  # a path that contains a colon
        name, weight_text = part, "1"
    try:
        weight = float(weight_text)
    except ValueError as error:
        raise UsageError(
            f"style '{text}': '{weight_text}' is not a weight; write NAME or NAME:0.7"
        ) from error
    if not name or not 0 < weight <= LARGEST_WEIGHT:
        raise UsageError(
            f"style '{text}': every part is NAME or NAME:WEIGHT with a weight above 0, up to 1000"
        )
    return name, weight
