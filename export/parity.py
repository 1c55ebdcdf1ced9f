"""Parity: compares an artefact with its original on real pictures. Outside the tolerance nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..engine.errors import ParityError
from ..engine.frame import Image
from ..engine.sessions.probe import psnr_db

Paint = Callable[[Image], Image]


@dataclass(frozen=True)
class Tolerance:
    """Accepted differences of an artefact.

    Args:
        psnr_db: Smallest PSNR of any picture, in dB.
        max_abs: Largest difference of any value, of 255; None for no limit.
        style_loss: Largest relative change of the style loss; None if it is not measured.
        agreement: Smallest share of pixels with the correct label; None without labels.
    """

    psnr_db: float
    max_abs: int | None = None
    style_loss: float | None = None
    agreement: float | None = None


TOLERANCES = {
    "fp32": Tolerance(45.0, max_abs=2),
    "fp16": Tolerance(40.0),
    "int8": Tolerance(30.0, style_loss=0.10),
}


@dataclass(frozen=True)
class Parity:
    """Measured differences.

    Args:
        max_abs: Largest difference of any value, of 255.
        psnr_db: PSNR of the worst picture, in dB; 99 if equal.
        pictures: Number of compared pictures.
        style_loss: Relative change of the style loss, or None.
        cpu_time: Time per frame on the exporting machine's CPU, relative to fp32, or None.
        agreement: Smallest share of pixels with the correct label (effects), or None.
    """

    max_abs: int
    psnr_db: float
    pictures: int
    style_loss: float | None = None
    cpu_time: float | None = None
    agreement: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The measurements as a dict, for manifests and JSON."""
        return asdict(self)


def measure(original: Paint, artefact: Paint, pictures: Iterable[Image]) -> Parity:
    """Runs original and artefact on every picture.

    Args:
        original: uint8 [H, W, 3] -> uint8 [H, W, 3].
        artefact: The function to compare with it, of the same type.
        pictures: uint8 [H, W, 3] each.

    Raises:
        ParityError: The sizes of the results differ.
    """
    return compare([(original(picture), artefact(picture)) for picture in pictures])


def compare(pairs: Sequence[tuple[Image, Image]]) -> Parity:
    """Compares pairs of results, the original's first.

    Raises:
        ParityError: Their sizes differ.
    """
    for expected, got in pairs:
        if expected.shape != got.shape:
            raise ParityError(f"the artefact gives {list(got.shape)}, the original {list(expected.shape)}")
    differences = [np.abs(got.astype(np.int16) - expected.astype(np.int16)) for expected, got in pairs]
    worst = min(psnr_db(expected, got) for expected, got in pairs)
    return Parity(max(int(difference.max()) for difference in differences), round(worst, 2), len(pairs))


def require(parity: Parity, tolerance: Tolerance, *, what: str) -> None:
    """Checks measured differences.

    Args:
        parity: The measured differences.
        tolerance: The accepted differences.
        what: Name of the artefact, for the message.

    Raises:
        ParityError: A difference is outside the tolerance; nothing must be written.
    """
    faults = []
    if parity.psnr_db < tolerance.psnr_db:
        faults.append(f"PSNR {parity.psnr_db:.1f} dB, at least {tolerance.psnr_db:.0f} is required")
    if tolerance.max_abs is not None and parity.max_abs > tolerance.max_abs:
        faults.append(f"largest difference {parity.max_abs} of 255, at most {tolerance.max_abs} is accepted")
    changed = parity.style_loss or 0.0
    if tolerance.style_loss is not None and changed > tolerance.style_loss:
        faults.append(f"style loss {changed:+.1%}, at most {tolerance.style_loss:.0%} is accepted")
    if tolerance.agreement is not None and (parity.agreement or 0.0) < tolerance.agreement:
        faults.append(
            f"{parity.agreement or 0:.2%} of pixels agree, at least {tolerance.agreement:.1%} is required"
        )
    if faults:
        raise ParityError(f"{what} differs from its original: {'; '.join(faults)}; nothing was written")
