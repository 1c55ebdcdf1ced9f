"""The zoo: trained models and styles that ship with the package, or a folder of the same layout.

    stylize-small.onnx  style-small.onnx  saliency.onnx  quantize.onnx  superpixels.onnx
    trunk-small.safetensors  loss-small.safetensors
    styles/NAME.safetensors   cards/NAME.md
    manifest.json       {"format": 1, "files": {"stylize-small.onnx": {"sha256": "…", "bytes": 1234}, …}}

A file's sha256 is compared with the manifest before the file is used.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import stat
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import InputError, IntegrityError, UnknownStyleError, check_known, suggest
from ..files import sha256_of, write_bytes
from ..frame import Image
from .library import Library
from .manifest import FORMAT, ZooManifest, checked, read_json
from .picture_style import READ, name_of, picture_styles, read_painting
from .style import SUFFIX, Style, load_style, mix, names_picture, normalise_weights, parse_mix

LOG = logging.getLogger("artrt.zoo")
SHIPPED = Path(__file__).resolve().parents[2] / "models" / "zoo"
MANIFEST = "manifest.json"
MODEL_PREFIX = "stylize-"
MODEL_SUFFIX = ".onnx"
ENCODER_FILE = "style-small.onnx"
STYLE_FILE = "styles/{}" + SUFFIX
COVERED_SUFFIXES = frozenset({".onnx", ".safetensors", ".md"})


@cache
def _warn_of_others(folder: Path) -> None:
    """Warns once when every user of this machine can exchange the models and their checksums."""
    with contextlib.suppress(OSError):  # what is missing is reported when it is read
        if folder.stat().st_mode & stat.S_IWOTH:
            LOG.warning("%s: every user can change its models (chmod o-w %s)", folder, folder)


@dataclass(frozen=True, slots=True)
class Zoo:
    """A folder of models and styles with their manifest.

    Args:
        folder: The folder; by default $ARTRT_ZOO, else the zoo that ships with artrt.
    """

    folder: Path = field(default_factory=lambda: Path(os.environ.get("ARTRT_ZOO") or SHIPPED))
    _verified: dict[str, Path] = field(default_factory=dict, repr=False, compare=False)
    _loaded: dict[str, Style] = field(default_factory=dict, repr=False, compare=False)

    def manifest(self) -> dict[str, Any]:
        """The manifest's entries: file name -> {"sha256", "bytes"}.

        Raises:
            IntegrityError: It is missing or unreadable.
        """
        _warn_of_others(self.folder)
        path = self.folder / MANIFEST
        try:
            files = checked(read_json(path), ZooManifest, path=path).files
        except IntegrityError as error:
            raise IntegrityError(f"{error}: {self._fix}") from error
        return {name: {"sha256": entry.sha256, "bytes": entry.bytes} for name, entry in files.items()}

    def path(self, name: str) -> Path:
        """The path of a file, after its sha256 was verified (once per file and process).

        Args:
            name: Name below the folder, with forward slashes.

        Raises:
            InputError: The manifest has no such file.
            IntegrityError: The file is missing or its bytes differ.
        """
        if name not in self._verified:
            entry = self.manifest().get(name)
            if entry is None:
                raise InputError(f"{self.folder} has no '{name}'; {suggest(name, self.manifest())}")
            path = self.folder / name
            if not path.is_file():
                raise IntegrityError(f"{path} is missing, though the manifest lists it: {self._fix}")
            if sha256_of(path) != entry["sha256"]:
                raise IntegrityError(f"{path} differs from the manifest (sha256): {self._fix}")
            self._verified[name] = path
        return self._verified[name]

    @property
    def _fix(self) -> str:
        """How to repair a damaged folder."""
        if os.environ.get("ARTRT_ZOO") and self.folder == Path(os.environ["ARTRT_ZOO"]):
            return "ARTRT_ZOO names that folder: correct it, or unset it for the zoo that ships"
        return "reinstall artrt" if self.folder == SHIPPED else "get the folder again"

    def models(self) -> list[str]:
        """Names of the style transformers ("small"), sorted."""
        names = [
            name for name in self.manifest() if name.startswith(MODEL_PREFIX) and name.endswith(MODEL_SUFFIX)
        ]
        return sorted(name[len(MODEL_PREFIX) : -len(MODEL_SUFFIX)] for name in names)

    def model_path(self, model: str = "small") -> Path:
        """The verified ONNX file of a style transformer.

        Raises:
            UsageError: No model has that name.
        """
        check_known("model", model, self.models())
        return self.path(f"{MODEL_PREFIX}{model}{MODEL_SUFFIX}")

    def styles(self) -> list[str]:
        """Names of the styles, sorted."""
        return sorted(Path(name).stem for name in self.manifest() if name.startswith("styles/"))

    def style(self, name: str, *, scale: float = 1.0) -> Style:
        """Finds a style: by name in the zoo or the user's library, in a style file, or from a picture of a painting.

        Args:
            name: "starry-night", a path that ends in `.safetensors`, or the path of a picture.
            scale: For pictures only: above 1 the strokes are coarser, below 1 finer.

        Raises:
            UnknownStyleError: No such style; the message lists close names.
            InputError: The path is neither a style file nor a picture.
            IntegrityError: The zoo's file differs from the manifest.
        """
        if name.endswith(SUFFIX):
            return load_style(name)
        if names_picture(name):
            return self.style_of_picture(read_painting(name), name=name_of(name), scale=scale)
        if name not in self._loaded:
            own = self.library.names()
            if name in self.styles():
                self._loaded[name] = load_style(self.path(STYLE_FILE.format(name)))
            elif name in own:
                self._loaded[name] = self._own(name)
            else:
                raise UnknownStyleError(name, known=[*self.styles(), *own])
        return self._loaded[name]

    def style_of_picture(self, picture: Image, *, name: str = "picture", scale: float = 1.0) -> Style:
        """Computes the style of a painting's picture, uint8 [H, W, 3] BGR, at least 64 px on each side.

        Raises:
            UnsupportedImageError: It has another shape or type, or is too small.
            InputError: Neither this zoo nor the one that ships has a style encoder.
        """
        return picture_styles(self._encoder()).read(picture, name=name, scale=scale)

    @property
    def library(self) -> Library:
        """The user's own styles."""
        return Library()

    def mix(self, style: str | Style, *, scale: float = 1.0) -> tuple[Style, str | None]:
        """The style of an expression such as "starry-night:0.7+udnie:0.3", or "painting.jpg".

        Args:
            style: Names, style files and pictures, joined by `+`; or a Style, which is returned unchanged.
            scale: See `style`.

        Returns:
            The style, and a notice for the user if its weights had to be scaled.
        """
        if isinstance(style, Style):
            return style, None
        if names_picture(style) and Path(style).is_file():  # its name may contain a `+` or a `:`
            return self.style(style, scale=scale), None
        parts = parse_mix(style)
        weights, notice = normalise_weights([weight for _, weight in parts])
        return mix([self.style(name, scale=scale) for name, _ in parts], weights), notice

    def _encoder(self) -> Path:
        """The style encoder of this zoo, or the shipped one: most exported folders have none."""
        if (self.folder / MANIFEST).is_file() and ENCODER_FILE in self.manifest():
            return self.path(ENCODER_FILE)
        return Zoo(SHIPPED).path(ENCODER_FILE)

    def _own(self, name: str) -> Style:
        """A style of the library, computed again from its painting if it was made for an older trunk."""
        style, picture = self.library.style(name), self.library.picture(name)
        if picture is None or style.training.get("kind") != READ:
            return style
        current = picture_styles(self._encoder())
        scale = float(style.training.get("scale", 1.0))
        return style if style.trunk == current.trunk else current.read(picture, name=name, scale=scale)


def write_manifest(folder: Path = SHIPPED) -> Path:
    """Writes the manifest of a zoo folder from the files in it.

    Returns:
        The manifest's path.
    """
    files = {
        path.relative_to(folder).as_posix(): {"sha256": sha256_of(path), "bytes": path.stat().st_size}
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in COVERED_SUFFIXES and not path.name.startswith(".")
    }
    text = json.dumps({"format": FORMAT, "files": files}, indent=2) + "\n"
    write_bytes(folder / MANIFEST, text.encode())
    return folder / MANIFEST
