"""The user's own styles, kept in the user's data folder; separate from the shipped styles.

NAME.safetensors   the style
NAME.png           the painting, reduced: a style that was read off it is read again when the trunk has changed
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import platformdirs

from ..errors import InputError, OutputError, UsageError
from ..frame import Image, read_image, write_image
from .picture_style import LEAST_PX
from .style import SUFFIX, Style, load_style, save_style

VARIABLE = "ARTRT_STYLES"
PICTURE_PX = 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


def library_folder() -> Path:
    """`$ARTRT_STYLES`, or `styles` in artrt's data folder of the system."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("artrt", appauthor=False)) / "styles"


@dataclass(frozen=True, slots=True)
class Library:
    """The user's own styles.

    Args:
        folder: Where they are kept; created when the first style is added.
    """

    folder: Path = field(default_factory=library_folder)

    def names(self) -> list[str]:
        """Names of the styles, sorted."""
        try:
            return sorted(path.stem for path in self.folder.iterdir() if path.suffix == SUFFIX)
        except OSError:  # the folder does not exist or cannot be read
            return []

    def style(self, name: str) -> Style:
        """A style by name.

        Raises:
            InputError: No style has that name, or its file is damaged.
        """
        return load_style(self._file(name, SUFFIX))

    def picture(self, name: str) -> Image | None:
        """The painting of a style, uint8 [H, W, 3] BGR, or None if there is none."""
        path = self._file(name, ".png")
        return read_image(path) if path.is_file() else None

    def add(self, style: Style, *, picture: Image | None = None, replace: bool = False) -> Path:
        """Saves a style under its name.

        Args:
            style: The style; its name becomes the file's.
            picture: The painting, uint8 [H, W, 3] BGR.
            replace: Overwrite an existing style of that name.

        Returns:
            The style's file.

        Raises:
            UsageError: The name is taken, or cannot be a file name.
            OutputError: It cannot be written.
        """
        path = self._file(style.name, SUFFIX)
        if path.exists() and not replace:
            raise UsageError(f"there is a style '{style.name}' already: choose another name, or --replace it")
        if picture is not None:
            write_image(self._file(style.name, ".png"), _reduced(picture))
        save_style(path, style)
        return path

    def remove(self, name: str) -> None:
        """Deletes a style.

        Raises:
            InputError: No style has that name.
            OutputError: It cannot be removed.
        """
        path = self._file(name, SUFFIX)
        if not path.is_file():
            raise InputError(f"no style '{name}' in {self.folder}")
        try:
            path.unlink()
            with suppress(FileNotFoundError):
                self._file(name, ".png").unlink()
        except OSError as error:
            raise OutputError(f"cannot remove {path}: {error.strerror or error}") from error

    def _file(self, name: str, suffix: str) -> Path:
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"'{name}' is not a valid style name: use lower-case letters, digits, '-', '_' and '.'"
            )
        return self.folder / f"{name}{suffix}"


def _reduced(picture: Image) -> Image:
    scale = max(PICTURE_PX / max(picture.shape[:2]), LEAST_PX / min(picture.shape[:2]))
    if scale >= 1:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
