"""The two smaller networks of a site: saliency, for subject and background apart, and the encoder of paintings."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...engine.effects.saliency import SALIENCY_FILE
from ...engine.errors import InputError
from ...engine.zoo.picture_style import PictureStyles, picture_styles
from ...engine.zoo.zoo import ENCODER_FILE, Zoo
from ..options import ExportOptions


def with_networks(options: ExportOptions, zoo: Zoo, *, trunk: str) -> ExportOptions:
    """Decides which of the two networks a site has: those that the zoo has, unless the options say otherwise.

    Args:
        options: Options of the export.
        zoo: The zoo.
        trunk: sha256 of the exported trunk.

    Raises:
        InputError: A requested network is missing, or the style encoder is that of another trunk.
    """
    files = zoo.manifest()
    encoder = _encoder(zoo) if ENCODER_FILE in files and options.encoder is not False else None
    fits = encoder is not None and encoder.trunk == trunk
    if options.saliency and SALIENCY_FILE not in files:
        raise InputError(f"{zoo.folder} has no {SALIENCY_FILE}: leave --saliency out")
    if options.encoder and not fits:
        fault = "has no style encoder" if encoder is None else "has the style encoder of another trunk"
        raise InputError(f"{zoo.folder} {fault}: leave --encoder out")
    saliency = SALIENCY_FILE in files if options.saliency is None else options.saliency
    return replace(options, saliency=saliency, encoder=fits)


def write_encoder(folder: Path, zoo: Zoo) -> dict[str, Any]:
    """Copies the zoo's style encoder to a folder; returns its file and facts for the manifest."""
    shutil.copyfile(zoo.path(ENCODER_FILE), folder / ENCODER_FILE)
    return {"file": ENCODER_FILE, "long_side_px": _encoder(zoo).long_side_px}


def _encoder(zoo: Zoo) -> PictureStyles:
    return picture_styles(zoo.path(ENCODER_FILE))
