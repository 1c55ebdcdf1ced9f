"""Writes the manifest of an artefact: contents, settings, versions, and the sha256 of every file."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..engine.files import sha256_of
from ..engine.zoo.artefact import ARTEFACT, DIGEST, manifest_digest
from ..engine.zoo.manifest import FORMAT
from ..engine.zoo.zoo import MANIFEST
from .options import ExportOptions
from .parity import Parity

PACKAGES = ("artrt", "numpy", "onnx", "onnxruntime", "onnxruntime-gpu", "openvino", "tensorrt", "torch")


def write_manifest(
    folder: Path,
    options: ExportOptions,
    stages: Sequence[Mapping[str, Any]],
    styles: Sequence[str],
    parity: Mapping[str, Parity],
    *,
    encoder: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Writes `manifest.json` for the files in the folder.

    Args:
        folder: The artefact, complete except for its manifest.
        options: Options of the export.
        stages: Name and file of each stage, in running order.
        styles: Names of the styles, the default style first.
        parity: Measured differences by stage.
        encoder: File and facts of the style encoder, if there is one.

    Returns:
        The manifest.
    """
    facts = {
        "format": FORMAT,
        "artefact": ARTEFACT,
        "model": options.model if not options.model.endswith(".safetensors") else Path(options.model).stem,
        "kind": options.format,
        "precision": options.precision,
        "stages": [dict(stage) for stage in stages],
        "styles": list(styles),
        "shapes": shapes_of(options),
        "stroke": options.fixed_stroke if any("stylize" in stage["name"] for stage in stages) else None,
        "parity": {name: measured.to_dict() for name, measured in parity.items()},
    }
    return complete_manifest(folder, facts | ({"encoder": dict(encoder)} if encoder else {}))


def complete_manifest(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Adds versions, files and the manifest's sha256 to the facts, writes `manifest.json` and returns it.

    Args:
        folder: The artefact, complete except for its manifest.
        facts: The other entries.
    """
    files = {
        path.relative_to(folder).as_posix(): {"sha256": sha256_of(path), "bytes": path.stat().st_size}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest: dict[str, Any] = json.loads(json.dumps({**facts, "versions": versions(), "files": files}))
    manifest[DIGEST] = manifest_digest(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest


def versions() -> dict[str, str]:
    """Versions of the relevant packages that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def shapes_of(options: ExportOptions) -> dict[str, Any]:
    """The frame's shape and sizes from the options."""
    shapes = options.shapes
    frame = [*shapes.minimum, 3] if shapes.fixed else ["H", "W", 3]
    frame = [options.batch, *frame] if options.batch > 1 else frame
    profile = {"minimum": shapes.minimum, "optimum": shapes.optimum, "maximum": shapes.maximum}
    return {
        "frame": frame,
        "profile": {name: list(size) for name, size in profile.items()},
        "batch": options.batch,
    }
