"""Converts wide-gamut and HDR pictures to BT.709, by ITU-R BT.2100, BT.2408, BT.2087 and BT.1886.

    code value ──EOTF (HLG: and OOTF)──> light on a display ──matrix──> the same in BT.709 ──inverse EOTF──> code value

White is the reference white of BT.2408: 203 cd/m2, which is 58 % of PQ and 75 % of HLG. Brighter values and colours
outside BT.709 are clipped.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..frame import Image, as_image

# Codes of ITU-T H.273, as used by FFmpeg.
PQ, HLG = 16, 18
BT2020, DISPLAY_P3 = 9, 12
WHITE_NITS = 203.0
HLG_PEAK_NITS = 1000.0
GAMMA = 2.4
# Rows per block, so that a block fits in the CPU cache.
STRIP_ROWS = 32
STEPS = 65536

Array = NDArray[Any]

# Matrices to BT.709 for linear RGB (BT.2087; Display P3 by the same method).
MATRICES = {
    BT2020: ((1.6605, -0.5876, -0.0728), (-0.1246, 1.1329, -0.0083), (-0.0182, -0.1006, 1.1187)),
    DISPLAY_P3: ((1.2249, -0.2249, 0.0), (-0.0421, 1.0421, 0.0), (-0.0196, -0.0786, 1.0983)),
}
BT709_ITSELF = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def needs_conversion(transfer: int, primaries: int) -> bool:
    """Whether pictures with this transfer curve and these primaries must be converted to BT.709."""
    return transfer in (PQ, HLG) or primaries in MATRICES


def bt709_from(rgb: NDArray[np.uint16], *, transfer: int, primaries: int) -> Image:
    """Converts a picture to BT.709.

    Args:
        rgb: uint16 [H, W, 3], RGB, full range.
        transfer: PQ, HLG, or any other value for the curve of a standard display (BT.1886).
        primaries: BT2020, DISPLAY_P3, or any other value for BT.709.

    Returns:
        uint8 [H, W, 3], BGR.
    """
    result = np.empty(rgb.shape, np.uint8)
    for top in range(0, rgb.shape[0], STRIP_ROWS):
        strip = slice(top, top + STRIP_ROWS)
        result[strip] = _converted(rgb[strip], transfer, primaries)
    return as_image(result)


def _converted(rgb: NDArray[np.uint16], transfer: int, primaries: int) -> Array:
    to_bgr = np.array(MATRICES.get(primaries, BT709_ITSELF), np.float32)[::-1]
    light = cv2.transform(_light(transfer)[rgb], to_bgr)
    codes: Array = _codes()[(np.clip(light, 0, 1) * (STEPS - 1) + 0.5).astype(np.uint16)]
    return codes


@cache
def _light(transfer: int) -> Array:
    """Linear light of every code value, 1 is white, float32 [65536]."""
    signal = np.linspace(0, 1, 65536)
    if transfer == PQ:
        return (_pq(signal) * 10000 / WHITE_NITS).astype(np.float32)
    if transfer == HLG:
        # The OOTF of a 1,000 cd/m2 display, applied per channel as in zimg.
        return (_hlg(signal) ** 1.2 * HLG_PEAK_NITS / WHITE_NITS).astype(np.float32)
    return (signal**GAMMA).astype(np.float32)


def _pq(signal: Array) -> Array:
    """EOTF of BT.2100 PQ; 1 is 10,000 cd/m2."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = signal ** (1 / m2)
    light: Array = (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return light


def _hlg(signal: Array) -> Array:
    """Inverse OETF of BT.2100 HLG: scene light from 0 to 1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


@cache
def _codes() -> Array:
    """Code values of BT.709 for light from 0 to 1, uint8 [STEPS]."""
    codes: Array = (np.linspace(0, 1, STEPS) ** (1 / GAMMA) * 255).round().astype(np.uint8)
    return codes
