"""`artrt doctor --selftest`: runs every stage on every available provider, compares it with the CPU and times it.

For users of a Jetson or of a machine with TensorRT, on which the tests have not run.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.errors import ArtrtError, ProviderError
from ..engine.frame import Image, read_image
from ..engine.sessions import Session, open_session
from ..engine.sessions.base import Array
from ..engine.sessions.machine import require_cuda_driver
from ..engine.sessions.probe import MINIMUM_PSNR_DB, probe_feeds
from ..engine.sources.base import Size, scaled
from ..engine.sources.scene import PHOTO
from ..engine.stage_spec import StageSpec, state_output
from ..engine.zoo.zoo import Zoo
from .options import Shapes

SIZE = (360, 640)
ROUNDS = 5
# Superpixels: pixels that differ by at most this many levels count as equal, and at least this share must be equal.
SAME_LEVELS = 8
MINIMUM_ALIKE = 0.9
STAGES = ("stylize-small.onnx", "quantize.onnx", "superpixels.onnx", "saliency.onnx")
PROVIDERS = ("openvino", "cuda", "tensorrt")
NATIVE = "tensorrt native"

Row = dict[str, Any]


def selftest(*, zoo: Zoo | None = None, report: Callable[[str], None] = lambda _: None) -> list[Row]:
    """Runs the self-test.

    Args:
        zoo: The zoo of the stages.
        report: Called with messages.

    Returns:
        One row per stage and provider: status "ok", "missing" (provider not available) or "broken", median time in ms,
        PSNR against the CPU in dB.
    """
    zoo = zoo or Zoo()
    rows = []
    with tempfile.TemporaryDirectory(prefix="artrt-selftest-") as scratch:
        for name in (name for name in STAGES if name in zoo.manifest()):
            path = zoo.path(name)
            report(f"{path.stem} on cpu")
            with open_session(path, provider="cpu", size=SIZE) as session:
                feeds = probe_feeds(session, size=SIZE) | {"frame": _photograph()}
                expected, row = _timed(session, feeds)
                rows.append(row | {"stage": path.stem, "provider": "cpu"})
            for provider in (*PROVIDERS, NATIVE):
                report(f"{path.stem} on {provider}")
                tried = _tried(path, provider, Path(scratch), feeds, expected)
                rows.append(tried | {"stage": path.stem, "provider": provider})
    return rows


def _tried(
    path: Path, provider: str, scratch: Path, feeds: Mapping[str, Array], expected: Mapping[str, Array]
) -> Row:
    try:
        if provider == NATIVE:
            path, provider = _engine(path, scratch), "auto"
        with open_session(path, provider=provider, size=SIZE) as session:
            results, row = _timed(session, feeds)
            spec = StageSpec.from_json(session.metadata["artrt.stage"])
        psnr_db = _worst_psnr(results, expected, spec)
        fault = _fault(results, expected, spec, psnr_db=psnr_db)
        facts = {"status": "ok" if fault is None else "broken", "detail": fault or row["detail"]}
        return row | {"psnr_db": psnr_db, **facts}
    except ProviderError as error:
        return _row(status="missing", detail=str(error))
    except ArtrtError as error:
        return _row(status="broken", detail=str(error))


def _engine(path: Path, scratch: Path) -> Path:
    """Builds an engine for one size from a shipped stage; needs only onnx, because a Jetson may have no PyTorch."""
    require_cuda_driver()
    try:
        import onnx

        from .engine_from_onnx import BuildOptions, engine_from_onnx
    except ImportError as error:
        raise ProviderError(f"building an engine needs {error.name}: pip install {error.name}") from error
    plan = scratch / f"{path.stem}.plan"
    engine_from_onnx(onnx.load(str(path)), plan, BuildOptions(Shapes(SIZE, SIZE, SIZE)))
    return plan


def _timed(session: Session, feeds: Mapping[str, Array]) -> tuple[dict[str, Array], Row]:
    results = session.run(feeds)
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        results = session.run(feeds)
        times.append((time.perf_counter() - started) * 1000)
    return results, _row(status="ok", median_ms=round(statistics.median(times), 2), detail=session.reason)


def _photograph() -> Image:
    """A photograph, uint8 [H, W, 3] BGR; on a synthetic pattern superpixels would be arbitrary."""
    return scaled(read_image(PHOTO), Size(SIZE[1], SIZE[0]))


def _fault(
    results: Mapping[str, Array], expected: Mapping[str, Array], spec: StageSpec, *, psnr_db: float
) -> str | None:
    """How a provider's results differ from the CPU's, or None.

    Superpixels are compared by regions, because a pixel that is equally near to two regions may belong to either.
    """
    if spec.name != "superpixels":
        return (
            None
            if psnr_db >= MINIMUM_PSNR_DB
            else f"{psnr_db} dB to the CPU, expected {MINIMUM_PSNR_DB:.0f} or more"
        )
    ours, theirs = (facts[spec.output].astype(int) for facts in (results, expected))
    alike = float((np.abs(ours - theirs).max(axis=2) <= SAME_LEVELS).mean())
    if alike >= MINIMUM_ALIKE:
        return None
    return f"{alike:.0%} of the pixels are in the same region as on the CPU, expected {MINIMUM_ALIKE:.0%} or more"


def _worst_psnr(results: Mapping[str, Array], expected: Mapping[str, Array], spec: StageSpec) -> float:
    """The lowest PSNR of the pictures or masks in dB; states are not compared."""
    states = {state_output(name) for name in spec.states}
    worst = 99.0
    for name, reference in expected.items():
        if name in states:
            continue
        peak = 255.0 if reference.dtype == np.uint8 else 1.0
        error = float(np.square(results[name].astype(np.float64) - reference.astype(np.float64)).mean())
        worst = min(worst, 99.0 if error == 0 else 10 * np.log10(peak**2 / error))
    return round(float(worst), 1)


def _row(*, status: str, detail: str, median_ms: float | None = None) -> Row:
    return {"status": status, "median_ms": median_ms, "psnr_db": None, "detail": detail}
