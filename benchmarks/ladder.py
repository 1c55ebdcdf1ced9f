"""Speed against loss: sizes of the style transformer, each trained alike for a short while, timed side by side.

    python benchmarks/ladder.py [--shared DIR] [--steps 800] [--size 1280x720] [--rounds 5]

Every rung trains the same three styles from nothing for the same steps on the same pictures; losses are those of such a
short training, so compare them with each other only. Times are of the ONNX stage in ONNX Runtime, all rungs and the
classic network in turns.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import onnx
from _harness import SHARED, interleaved, write
from _short_training import STYLES, Yardstick, train
from stylize import Classic

from artrt.engine.sessions import SessionOptions
from artrt.engine.sessions.onnxruntime import open_model
from artrt.engine.stage import Stage
from artrt.export.onnx_from_transformer import onnx_from_transformer
from artrt.models.training import LossWeights, TrainingOptions, prepare_photographs
from artrt.models.transformer import CONFIGS, StyleTransformer, TransformerConfig

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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=SHARED)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--crop", type=int, default=160)
    parser.add_argument("--photographs", type=int, default=16)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=Path, help="keeps the trainings; goes on with those it has")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        measure(options, options.work or Path(scratch))


def measure(options: argparse.Namespace, work: Path) -> None:
    """Trains, times, judges, writes."""
    yardstick = Yardstick(options.shared, photographs=options.photographs)
    trunks, scores, photographs = {}, {}, None
    for rung in RUNGS:
        CONFIGS[rung.name] = rung
        settings = TrainingOptions(
            paintings={name: options.shared / "styles" / f"{name}.jpg" for name in STYLES},
            photographs=options.shared / "photos",
            weights_directory=options.shared / "weights",
            output=work / rung.name.replace(" ", "-"),
            config=rung.name,
            steps=options.steps,
            batch=4,
            crop_px=options.crop,
            losses=LossWeights(style=1, content=0.1, variation=0.1),
            sample_steps=10**9,
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
            "style_loss": scores[name]["style_loss"],
            "content_loss": scores[name]["content_loss"],
            "style_plus_content": scores[name]["style_loss"] + 0.1 * scores[name]["content_loss"],
        }
        for name, timing in timings.items()
    ]
    write(
        "ladder",
        title=f"Size against loss after {options.steps} steps, one {options.size} frame, {options.threads} threads",
        rows=rows,
        facts={
            "steps": options.steps,
            "crop_px": options.crop,
            "styles": STYLES,
            "classic_ms": classic.median_ms,
        },
        notes="`style_plus_content` is what the training minimises: style loss and a tenth of the content loss.",
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
