"""What precision, a fixed size and fusion do to the speed of the shipped model on this CPU.

    python benchmarks/precision.py --calibration PHOTOS [--size 1280x720] [--threads 2] [--rounds 7]

fp16 is computed in float32 by ONNX Runtime on a CPU, int8 pays for its conversions between two normalisations: neither
is for CPUs, and this shows by how much. Artefacts are exported with their parity checks, then take turns in one run.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from _harness import interleaved, write

from artrt.engine.looks.building import build_chain
from artrt.engine.looks.look import Look
from artrt.export.artefact import export_artefact
from artrt.export.options import ExportOptions, Shapes, parse_size, parse_stages


def main() -> None:
    """Measures and writes benchmarks/results/precision.{json,md}."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calibration", type=Path, required=True)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    size = parse_size(options.size)
    fixed = Shapes.of(size=options.size)
    effects = parse_stages("quantize:16,stylize")
    exports = {
        "fp32": ExportOptions(calibration=options.calibration),
        "fp32, fixed size": ExportOptions(shapes=fixed, calibration=options.calibration),
        "fp16": ExportOptions(precision="fp16", calibration=options.calibration),
        "int8": ExportOptions(precision="int8", calibration=options.calibration),
        "quantize + stylize, chain": ExportOptions(stages=effects, verify=False),
        "quantize + stylize, fused": ExportOptions(stages=effects, fuse=True, verify=False),
    }
    frame = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    chains, facts = {}, {}
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        for index, (name, export) in enumerate(exports.items()):
            folder = Path(scratch) / str(index)
            facts[name] = export_artefact(export, folder)
            for provider in ("cpu", "openvino") if len(export.stages) == 1 else ("cpu",):
                look = Look(engine=str(folder), provider=provider, threads=options.threads, size=size)
                chain = stack.enter_context(build_chain(look))
                chains[f"{name}, {provider}"] = chain
        runs = {name: lambda chain=chain: chain(frame) for name, chain in chains.items()}
        timings = interleaved(runs, rounds=options.rounds)
    usual = next(iter(timings.values()))
    rows = [
        {
            "artefact": name,
            "timing": timing,
            "times fp32": round(usual.median_ms / timing.median_ms, 2),
            "PSNR dB": facts[name.rpartition(", ")[0]]["parity"].get("stylize", {}).get("psnr_db"),
            "MB": round(sum(f["bytes"] for f in facts[name.rpartition(", ")[0]]["files"].values()) / 1e6, 2),
        }
        for name, timing in timings.items()
    ]
    write(
        "precision",
        title=f"Precision, fixed size and fusion at {options.size}, {options.threads} CPU threads",
        rows=rows,
        facts={"size": options.size, "threads": options.threads},
        notes="Parity against PyTorch on real photographs. All contenders took turns in one process.",
    )


if __name__ == "__main__":
    main()
