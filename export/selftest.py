"""`artrt doctor --selftest`: every stage on every provider that is present, compared with the CPU and timed.

What a user of a Jetson or of a machine with TensorRT runs, because no test can run there beforehand.
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
# Superpixels: so many levels apart is the same region, and so large a share of the pixels must be.
SAME_LEVELS = 8
MINIMUM_ALIKE = 0.9
STAGES = ("stylize-small.onnx", "quantize.onnx", "superpixels.onnx", "saliency.onnx")
PROVIDERS = ("openvino", "cuda", "tensorrt")
NATIVE = "tensorrt native"

Row = dict[str, Any]


def selftest(*, zoo: Zoo | None = None, report: Callable[[str], None] = lambda _: None) -> list[Row]:
    """Runs the test.

    Args:
        zoo: Where the stages are.
        report: Told what is going on.

    Returns:
        One row per stage and provider: status "ok", "missing" (the provider is not here) or "broken", median time in
        ms, PSNR against the CPU in dB.
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
    """An engine for one size, built from a shipped stage with nothing but onnx: a Jetson has no more."""
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
    """uint8 [H, W, 3] BGR: what stages are made for; on a drawn pattern superpixels fall anywhere."""
    return scaled(read_image(PHOTO), Size(SIZE[1], SIZE[0]))


def _fault(
    results: Mapping[str, Array], expected: Mapping[str, Array], spec: StageSpec, *, psnr_db: float
) -> str | None:
    """Why a provider's results are not those of the CPU, or None.

    Superpixels are compared by regions: a pixel that lies as near to two of them may fall to either.
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
    return f"{alike:.0%} of the pixels lie in the regions of the CPU, expected {MINIMUM_ALIKE:.0%} or more"


def _worst_psnr(results: Mapping[str, Array], expected: Mapping[str, Array], spec: StageSpec) -> float:
    """Of the pictures or masks; states are compared through what they lead to."""
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
