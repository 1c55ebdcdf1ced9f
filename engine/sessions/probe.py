"""Checks a session: inputs for one test inference, and the comparison of two backends."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import ContractError, ProviderError
from ..stage_spec import METADATA_KEY, StageSpec, state_input
from .base import Array, Session, TensorInfo

PROBE_SIZE = (96, 128)
MINIMUM_PSNR_DB = 40.0
STATE = state_input("")


def probe_feeds(session: Session, *, size: tuple[int, int] | None = None) -> dict[str, Array]:
    """One array per input of a session: a test picture, mid-range controls, zero states.

    Args:
        session: Any session; stage metadata, if present, gives the values of controls.
        size: (height, width) in pixels for free dimensions; a small picture when None.
    """
    height, width = size or PROBE_SIZE
    frame = session.inputs.get("frame")
    if frame is not None and len(frame.shape) == 3:
        height, width = (
            fixed if isinstance(fixed, int) else free
            for fixed, free in zip(frame.shape[:2], (height, width), strict=True)
        )
    feeds = {name: _array(info, height=height, width=width) for name, info in session.inputs.items()}
    spec = _spec(session)
    if spec is not None:
        for name, control in spec.controls.items():
            if control.default is not None and name in feeds:
                default = control.default_array().astype(feeds[name].dtype)
                alike = default.size == feeds[name].size  # a scalar may be a vector of one element
                feeds[name] = default.reshape(feeds[name].shape) if alike else default
        for name, shape in spec.state_shapes(height, width).items():
            feeds[state_input(name)] = np.zeros(shape, feeds[state_input(name)].dtype)
    return feeds


def prove(session: Session, *, size: tuple[int, int] | None = None) -> None:
    """Runs a session once.

    Raises:
        ProviderError: It cannot run, or gives NaN or infinity.
    """
    for name, array in session.run(probe_feeds(session, size=size)).items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ProviderError(
                f"{session.provider} computes '{name}' wrongly here: some values are not numbers; use another provider"
            )


def agrees(results: Mapping[str, Array], reference: Mapping[str, Array]) -> str | None:
    """Compares the pictures and masks of two results; not the states, nor labels: a pixel on a border may get either.

    Returns:
        None when every picture and mask reaches `MINIMUM_PSNR_DB`, else one line with the difference.
    """
    for name, expected in reference.items():
        got = results[name]
        if got.shape != expected.shape:
            return f"output '{name}' is {list(got.shape)} instead of {list(expected.shape)}"
        pixels = expected.dtype == np.uint8
        if name.startswith(STATE) or not (pixels or expected.dtype.kind == "f"):
            continue
        measured = psnr_db(expected, got, peak=255.0 if pixels else 1.0)
        if measured < MINIMUM_PSNR_DB:
            what = "picture" if pixels else name
            return f"its {what} differs from the CPU's (PSNR {measured:.1f} dB, below {MINIMUM_PSNR_DB:.0f})"
    return None


def psnr_db(first: Array, second: Array, *, peak: float = 255.0) -> float:
    """PSNR of two pictures or masks in dB; 99 when they are equal, minus infinity with NaN or infinite values.

    Args:
        first: An array.
        second: Another of its shape.
        peak: The largest value.
    """
    error = float(np.square(first.astype(np.float32) - second.astype(np.float32)).mean(dtype=np.float64))
    if not np.isfinite(error):
        return -np.inf
    return 99.0 if error == 0 else min(99.0, float(10 * np.log10(peak**2 / error)))


def _array(info: TensorInfo, *, height: int, width: int) -> Array:
    lengths = {"H": height, "W": width, "h": height, "w": width, "height": height, "width": width}
    shape = tuple(length if isinstance(length, int) else lengths.get(length, 1) for length in info.shape)
    if info.dtype != "uint8":
        return np.zeros(shape, info.dtype)
    return _test_picture(shape)


def _test_picture(shape: tuple[int, ...]) -> Array:
    """A smooth uint8 pattern: gradients with a little texture, never flat."""
    index = np.indices(shape, dtype=np.float32)
    waves = sum(np.sin(axis * rate) for axis, rate in zip(index, (0.11, 0.17, 1.9, 0.7), strict=False))
    return np.asarray((waves + 3) * (255 / 6), dtype=np.float32).clip(0, 255).astype(np.uint8)


def _spec(session: Session) -> StageSpec | None:
    text = session.metadata.get(METADATA_KEY)
    try:
        return StageSpec.from_json(text) if text else None
    except ContractError:
        return None
