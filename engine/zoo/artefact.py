"""An exported folder: models or engines, styles, and a manifest.

    manifest.json    files with sha256, stages in order, precision, shapes, parity, versions, device, and its own sha256
    stylize.onnx or stylize.plan (+ .plan.json), …
    styles/NAME.safetensors

The folder has the layout of a zoo, so its files are verified and its styles are found in the same way.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, IntegrityError
from ..files import sha256_of
from .manifest import ArtefactManifest, checked, read_json, require_listed
from .zoo import MANIFEST, STYLE_FILE, Zoo

ARTEFACT = 1
DIGEST = "manifest_sha256"


@dataclass(frozen=True)
class Artefact:
    """A verified folder of `artrt export`.

    Args:
        folder: The folder.
        manifest: Its manifest.
    """

    folder: Path
    manifest: Mapping[str, Any]

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Artefact:
        """Reads the manifest and verifies every file.

        Raises:
            InputError: No such folder, or it was not written by `artrt export`.
            IntegrityError: A file is missing or changed, or the manifest has another format.
        """
        path = Path(folder)
        if not (path / MANIFEST).is_file():
            raise InputError(f"{path} has no {MANIFEST}: name a folder that artrt export wrote")
        manifest = _manifest(path / MANIFEST)
        for name, entry in manifest["files"].items():
            _verify(path / name, entry)
        return cls(path, manifest)

    @property
    def zoo(self) -> Zoo:
        """The folder as a zoo: its styles."""
        return Zoo(self.folder)

    @property
    def stage_paths(self) -> list[Path]:
        """The files of the stages, in running order."""
        return [self.folder / stage["file"] for stage in self.manifest["stages"]]

    @property
    def values(self) -> dict[str, float]:
        """Values of controls that the export fixed (colours, regions), by name."""
        return dict(self.manifest.get("values", {}))

    @property
    def styles(self) -> list[str]:
        """Names of the styles in the folder."""
        return list(self.manifest.get("styles", []))

    @property
    def stroke(self) -> float | None:
        """The stroke size, if the export fixed it."""
        stroke: float | None = self.manifest.get("stroke")
        return stroke

    @property
    def size(self) -> tuple[int, int] | None:
        """(height, width) in pixels, if the export fixed it."""
        height, width = self.manifest["shapes"]["frame"][-3:-1]
        return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def is_artefact(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a folder with a manifest."""
    return (Path(path) / MANIFEST).is_file()


def manifest_digest(manifest: Mapping[str, Any]) -> str:
    """The sha256 of a manifest without its digest entry, in hexadecimal."""
    said = {key: value for key, value in manifest.items() if key != DIGEST}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = read_json(path)
        if manifest.get("artefact") != ARTEFACT:
            raise IntegrityError(f"{path} does not describe an artefact that this artrt can load")
        if manifest.get(DIGEST) != manifest_digest(manifest):
            raise IntegrityError(f"{path} was changed after the export ({DIGEST} differs)")
        said = checked(manifest, ArtefactManifest, path=path)
        require_listed(said, path=path, style_file=STYLE_FILE)
    except IntegrityError as error:
        raise IntegrityError(f"{error}: export again") from error
    return manifest


def _verify(path: Path, entry: Mapping[str, Any]) -> None:
    if not path.is_file():
        raise IntegrityError(f"{path} is missing, though the manifest lists it: export again")
    if sha256_of(path) != entry["sha256"]:
        raise IntegrityError(f"{path} differs from the manifest (sha256): export again")
