"""Schemas of the manifests of a zoo and of an exported folder.

A manifest may come from an untrusted source; its digest proves only that it was not damaged. So its size and depth
are limited, and it cannot name a file outside its folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from ..errors import IntegrityError

FORMAT = 1
LARGEST_BYTES = 16 * 2**20
# Parts joined by forward slashes; no part is "." or "..", and no character a backslash, a colon or a control character.
FileName = Annotated[
    str, Meta(pattern=r"\A(?!\.{1,2}(/|\Z))[^/\\:\x00-\x1f]+(/(?!\.{1,2}(/|\Z))[^/\\:\x00-\x1f]+)*\Z")
]
Pixels = Annotated[int, Meta(ge=1)]
Said = TypeVar("Said", bound=Struct)


class FileEntry(Struct, frozen=True):
    """One file of the folder."""

    sha256: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    bytes: Annotated[int, Meta(ge=0)] = 0


class ZooManifest(Struct, frozen=True):
    """The manifest of a zoo."""

    format: int
    files: dict[FileName, FileEntry]


class StageEntry(Struct, frozen=True):
    """A stage of an exported folder."""

    name: str
    file: FileName


class Shapes(Struct, frozen=True):
    """The frame's shape and its range of sizes."""

    frame: Annotated[list[int | str], Meta(min_length=3, max_length=4)]
    profile: dict[str, tuple[Pixels, Pixels]]
    batch: Annotated[int, Meta(ge=1)] = 1


class ArtefactManifest(Struct, frozen=True):
    """The manifest of an exported folder."""

    format: int
    artefact: int
    kind: str
    precision: str
    stages: Annotated[list[StageEntry], Meta(min_length=1)]
    shapes: Shapes
    files: dict[FileName, FileEntry]
    stroke: Annotated[float, Meta(gt=0)] | None = None
    styles: list[FileName] = msgspec.field(default_factory=list)
    values: dict[str, float] = msgspec.field(default_factory=dict)


def read_json(path: Path) -> dict[str, Any]:
    """Reads the JSON object of a manifest.

    Raises:
        IntegrityError: It is missing, too large, not a JSON object, or has another format.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise IntegrityError(f"{path} is too large for a manifest")
        data: dict[str, Any] = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError, RecursionError) as error:
        raise IntegrityError(f"{path} is missing or unreadable ({error})") from error
    if data.get("format") != FORMAT:
        raise IntegrityError(f"{path} has format {data.get('format')!r:.20}, this artrt reads {FORMAT}")
    return data


def checked(data: dict[str, Any], kind: type[Said], *, path: Path) -> Said:
    """Validates a manifest against its schema.

    Raises:
        IntegrityError: A field is missing, has the wrong type, or names a file outside the folder.
    """
    try:
        return msgspec.convert(data, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise IntegrityError(f"{path} is not a valid manifest: {error}") from error


def require_listed(manifest: ArtefactManifest, *, path: Path, style_file: str) -> None:
    """Checks that the manifest has a sha256 for every stage and style that it names.

    Args:
        manifest: The validated manifest.
        path: The manifest's path, for the message.
        style_file: Pattern of the style files, with `{}` for the style's name.

    Raises:
        IntegrityError: The file of a stage or style is not listed.
    """
    named = [stage.file for stage in manifest.stages] + [style_file.format(name) for name in manifest.styles]
    for name in named:
        if name not in manifest.files:
            raise IntegrityError(f"{path} names {name}, but does not say its sha256")
