"""What a manifest may say, as types that check it: of a zoo, and of an exported folder.

A manifest may come from anywhere, and its own digest proves only that it was not damaged. So it is read within a size
and a depth, and names no file outside its folder.
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
    """The frame's shape, and the sizes that it may have."""

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
    """The JSON object in a manifest.

    Raises:
        IntegrityError: It is missing, too large, no JSON object, or of another format.
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
    """What a manifest says, when it says only what it may.

    Raises:
        IntegrityError: Something is missing, of the wrong type, or a file outside the folder.
    """
    try:
        return msgspec.convert(data, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise IntegrityError(f"{path} is not such a manifest: {error}") from error


def require_listed(manifest: ArtefactManifest, *, path: Path, style_file: str) -> None:
    """Checks that everything an exported folder names is a file whose sha256 it says.

    Args:
        manifest: What it says.
        path: The file's path.
        style_file: How the file of a style is called, with `{}` for its name.

    Raises:
        IntegrityError: A stage or a style is not listed.
    """
    named = [stage.file for stage in manifest.stages] + [style_file.format(name) for name in manifest.styles]
    for name in named:
        if name not in manifest.files:
            raise IntegrityError(f"{path} names {name}, but does not say its sha256")
