"""Speed against loss: sizes of the style transformer, each trained alike for a short while, timed side by side.

    python benchmarks/ladder.py [--shared DIR] [--steps 800] [--size 1280x720] [--rounds 5]

Every rung trains the same three styles from nothing for the same steps on the same pictures; losses are those of such a
short training, so compare them with each other only. Times are of the ONNX stage in ONNX Runtime, all rungs and the
classic network in turns.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from _harness import interleaved, write
from _short_training import BASE, STYLES, Yardstick, parser, short_options, train, work_folder
from stylize import Classic

from artrt.engine.sessions import SessionOptions
from artrt.engine.sessions.onnxruntime import open_model
from artrt.engine.stages.stage import Stage
from artrt.export.onnx_from_transformer import onnx_from_transformer
from artrt.models.networks.transformer import CONFIGS, StyleTransformer, TransformerConfig
from artrt.models.training.trainer import prepare_photographs

RUNGS = (
    TransformerConfig("32 wide", width=32, decoder_width=16),
    TransformerConfig("48 wide, 3 blocks", width=48, dilations=(1, 2, 1), decoder_width=24),
    TransformerConfig("48 wide, decoder 24", width=48, decoder_width=24),
    TransformerConfig("48 wide (small)", width=48),
    TransformerConfig("64 wide, 3 blocks", width=64, dilations=(1, 2, 1), decoder_width=32),
    TransformerConfig("64 wide", width=64, decoder_width=40),
)


def main() -> None:
    """Trains, times and writes results/ladder.{json,md}."""
    known = parser(__doc__, photographs=16)
    known.add_argument("--steps", type=int, default=800)
    known.add_argument("--size", default="1280x720")
    known.add_argument("--threads", type=int, default=2)
    known.add_argument("--rounds", type=int, default=5)
    options = known.parse_args()
    with work_folder(options.work) as work:
        measure(options, work)


def measure(options: argparse.Namespace, work: Path) -> None:
    """Trains, times, judges, writes."""
    yardstick = Yardstick(options.shared, photographs=options.photographs)
    trunks, scores, photographs = {}, {}, None
    for rung in RUNGS:
        CONFIGS[rung.name] = rung
        settings = replace(
            short_options(options, work / rung.name.replace(" ", "-"), steps=options.steps, losses=BASE),
            config=rung.name,
        )
        photographs = photographs or prepare_photographs(settings)
        trained = train(settings, photographs)
        trunks[rung.name], scores[rung.name] = trained.trunk, yardstick.scores(trained)
    timings = timed(trunks, work, options)
    classic = timings.pop("classic")
    rows = [
        {
            "network": name,
            "parameters": sum(p.numel() for p in trunks[name].parameters()),
            "median_ms": timing.median_ms,
            "times the classic": round(classic.median_ms / timing.median_ms, 2),
            "painted": scores[name]["painted"],
            "semantic": scores[name]["semantic"],
        }
        for name, timing in timings.items()
    ]
    write(
        "ladder",
        title=f"Size against painting after {options.steps} steps, one {options.size} frame, {options.threads} threads",
        rows=rows,
        facts={
            "steps": options.steps,
            "crop_px": options.crop,
            "styles": STYLES,
            "classic_ms": classic.median_ms,
        },
    )


def timed(trunks: dict[str, StyleTransformer], work: Path, options: argparse.Namespace) -> dict:
    """The classic network and all trunks in turns."""
    width, height = map(int, options.size.split("x"))
    settings = SessionOptions(threads=options.threads, size=(height, width))
    frame = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    work.mkdir(parents=True, exist_ok=True)
    onnx.save(Classic().model(), str(work / "classic.onnx"))
    classic = open_model(work / "classic.onnx", "cpu", settings)
    runs = {"classic": lambda: classic.run({"frame": frame})}
    for name, trunk in trunks.items():
        path = work / f"{name.replace(' ', '-')}.onnx"
        onnx.save(onnx_from_transformer(trunk), str(path))
        stage, style = Stage(open_model(path, "cpu", settings)), trunk.neutral_style().numpy()
        runs[name] = lambda stage=stage, style=style: stage(frame, style=style)
    return interleaved(runs, rounds=options.rounds)


if __name__ == "__main__":
    main()
