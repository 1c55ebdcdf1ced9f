"""Chooses the precision of the style network: bfloat16 if the processor is faster with it and the pictures agree.

    fp32    as trained
    bf16    OpenVINO, on processors with AVX512-BF16 or AMX: half the time
    auto    bf16 where it is there and paints the same (`MINIMUM_PSNR_DB` in every style), else fp32

Whether the pictures agree is measured once per machine and model, and cached.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import OutputError, ParityError, ProviderError, UsageError
from ..files import cache_folder, sha256_of, write_bytes
from ..frame import Image, read_image
from ..sessions import resolve_provider
from ..sessions.machine import require_cuda_driver
from ..sessions.probe import MINIMUM_PSNR_DB, psnr_db
from ..sources.scene import PHOTO
from ..stages.loading import load_stage
from ..stages.stage import Stage
from .look import AUTO, BF16, FP32, Look
from .styling import Vector, usable_styles

OPENVINO = "openvino"


@dataclass(frozen=True, slots=True)
class Precision:
    """The precision that a stage is loaded with.

    Args:
        name: "fp32" or "bf16".
        provider: The provider; a requested precision may need a certain one.
        why: A line for the user, or "".
    """

    name: str
    provider: str
    why: str = ""


def settled_precision(path: Path, look: Look) -> Precision:
    """Decides the precision of a look's style network.

    Args:
        path: The stage's file.
        look: The look, with `provider` and `precision`.

    Raises:
        UsageError: The requested provider does not support the requested precision.
        ProviderError: The precision needs OpenVINO, or another processor.
        ParityError: The pictures differ from fp32.
    """
    provider = resolve_provider(look.provider)
    if look.precision == FP32:
        return Precision(FP32, look.provider)
    if look.precision == AUTO:
        return _chosen(path, look) if _may_be_openvino(provider, look) else Precision(FP32, look.provider)
    if provider not in (AUTO, OPENVINO):
        raise UsageError(f"precision {BF16} runs on {OPENVINO}, not on {provider}: leave one of the two out")
    _require_bfloat16()
    measured = parity_db(path, look)
    if measured < MINIMUM_PSNR_DB:
        raise ParityError(f"{path.name}: {_difference(measured)}; leave the precision out")
    return Precision(BF16, OPENVINO, _difference(measured))


def parity_db(path: Path, look: Look) -> float:
    """PSNR of bf16 against fp32 on the test photograph in dB: the lowest of all styles.

    Args:
        path: A `stylize` stage.
        look: Its zoo has the styles; its own style is used when none fits.
    """
    file = cache_folder("precision") / f"{_machine_and_model(path)}.json"
    try:
        return float(json.loads(file.read_text())["psnr_db"])
    except (OSError, ValueError, KeyError, TypeError):
        measured = _measured(path, look)
    with contextlib.suppress(OutputError):  # the next start measures again
        write_bytes(file, json.dumps({"model": path.name, "precision": BF16, "psnr_db": measured}).encode())
    return measured


def _chosen(path: Path, look: Look) -> Precision:
    try:
        _require_bfloat16()
        measured = parity_db(path, look)
    except ProviderError:
        return Precision(FP32, look.provider)
    same = measured >= MINIMUM_PSNR_DB
    why = _difference(measured) if same else f"{FP32}: {_difference(measured)}"
    return Precision(BF16 if same else FP32, look.provider, why)


def _difference(measured_db: float) -> str:
    if measured_db >= MINIMUM_PSNR_DB:
        return f"{BF16} paints the same as {FP32} (PSNR {measured_db:.1f} dB)"
    return (
        f"{BF16} does not paint the same as {FP32} (PSNR {measured_db:.1f} dB, below {MINIMUM_PSNR_DB:.0f})"
    )


def _may_be_openvino(provider: str, look: Look) -> bool:
    """Whether `open_session` may choose OpenVINO."""
    if provider == OPENVINO:
        return True
    if provider != AUTO or not look.steady or importlib.util.find_spec(OPENVINO) is None:
        return False
    try:
        require_cuda_driver()
    except ProviderError:
        return True
    return False


def _require_bfloat16() -> None:
    from ..sessions.openvino import capabilities

    if "BF16" not in capabilities():
        raise ProviderError(
            f"this processor has neither AVX512-BF16 nor AMX, which {BF16} needs; leave the precision out"
        )


def _measured(path: Path, look: Look) -> float:
    photo = read_image(PHOTO)
    with _open(path, look, FP32, photo) as original, _open(path, look, BF16, photo) as changed:
        return min(
            psnr_db(original(photo, style=vector), changed(photo, style=vector))
            for vector in _vectors(look, original)
        )


def _open(path: Path, look: Look, precision: str, photo: Image) -> Stage:
    size = (photo.shape[0], photo.shape[1])
    return load_stage(path, provider=OPENVINO, precision=precision, threads=look.threads, size=size)


def _vectors(look: Look, stage: Stage) -> list[Vector]:
    """Vectors of the zoo's styles for this network; the look's own style if the zoo has none."""
    names = [name for name in usable_styles(look.zoo, stage) if name in look.zoo.styles()]
    if not names and look.style is not None:
        return [look.zoo.mix(look.style, scale=look.style_scale)[0].vector]
    return [look.zoo.style(name).vector for name in names]


def _machine_and_model(path: Path) -> str:
    from ..sessions.openvino import processor

    facts: list[Any] = [sha256_of(path), processor(), importlib.metadata.version(OPENVINO), BF16]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]
