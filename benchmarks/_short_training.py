"""Short trainings for benchmarks, and how their trunks are judged: three styles on held-out photographs."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from _harness import SHARED
from torch import Tensor

from artrt.engine.frame import Image
from artrt.export.transformer_parity import torch_painter
from artrt.models.evaluation.frame_pairs import find_frame_pairs
from artrt.models.evaluation.judge import EvaluationOptions, Judge, evaluate, evaluate_frames, mean_scores
from artrt.models.networks.transformer import StyleTransformer
from artrt.models.photos import Photographs, find_photographs, split_held_out
from artrt.models.training.trainer import (
    CHECKPOINT_FILE,
    TermWeights,
    Trainer,
    TrainingOptions,
    prepare_photographs,
)

STYLES = ("starry-night", "the-scream", "udnie")
BASE = TermWeights(style=1, content=0.1, variation=0.1)


class Trained:
    """A trunk with its styles, averaged weights.

    Args:
        trunk: The transformer.
        vectors: Style vectors [D] by name.
    """

    def __init__(self, trunk: StyleTransformer, vectors: Mapping[str, Tensor]) -> None:
        self.trunk = trunk
        self._paint = {name: torch_painter(trunk, vector.numpy()) for name, vector in vectors.items()}

    def __call__(self, image: Image, style: str) -> Image:
        """Paints uint8 [H, W, 3], BGR."""
        return self._paint[style](image)


def parser(text: str, *, photographs: int) -> argparse.ArgumentParser:
    """What all of them take: --shared, --crop, --photographs, --work; the first line of `text` describes them."""
    made = argparse.ArgumentParser(description=text.splitlines()[0])
    made.add_argument("--shared", type=Path, default=SHARED)
    made.add_argument("--crop", type=int, default=160)
    made.add_argument("--photographs", type=int, default=photographs)
    made.add_argument("--work", type=Path, help="keeps the trainings; goes on with those it has")
    return made


@contextmanager
def work_folder(chosen: Path | None) -> Iterator[Path]:
    """The folder of --work, or one that is gone afterwards."""
    with tempfile.TemporaryDirectory() as scratch:
        yield chosen or Path(scratch)


def short_options(
    arguments: argparse.Namespace, output: Path, *, steps: int, losses: TermWeights
) -> TrainingOptions:
    """Training of the three styles: batches of four small crops, no samples.

    Args:
        arguments: As `parser` reads them.
        output: Folder of the training.
        steps: Optimizer steps.
        losses: Weights of the terms.
    """
    return TrainingOptions(
        paintings={name: arguments.shared / "styles" / f"{name}.jpg" for name in STYLES},
        photographs=arguments.shared / "photos",
        weights_directory=arguments.shared / "weights",
        output=output,
        steps=steps,
        batch=4,
        crop_px=arguments.crop,
        losses=losses,
        sample_steps=10**9,
    )


def variants(
    arguments: argparse.Namespace, work: Path, terms: Mapping[str, Mapping[str, float]], *, loss_network: str
) -> Iterator[tuple[str, Trained]]:
    """Trains one trunk for `arguments.start` steps, and on from there once for each variant for `arguments.steps`.

    All see the same pictures in the same order; the added terms grow over the first fifth.

    Args:
        arguments: As `parser` reads them, with --start and --steps.
        work: Folder of the trainings; each has its own, named by the first word of the variant.
        terms: Variant -> weights that differ from `BASE`.
        loss_network: What the variants are trained by.
    """
    start = short_options(arguments, work / "start", steps=arguments.start, losses=BASE)
    start = replace(start, ramp_start=arguments.start, ramp_steps=max(1, arguments.steps // 5))
    photographs = prepare_photographs(start)
    train(start, photographs)
    for name, weights in terms.items():
        variant = replace(
            start,
            output=work / name.split()[0].lower(),
            loss_network=loss_network,
            steps=arguments.start + arguments.steps,
            losses=replace(BASE, **weights),
        )
        yield name, train(variant, photographs, resume=start.output / CHECKPOINT_FILE)


def train(options: TrainingOptions, photographs: Photographs, *, resume: Path | None = None) -> Trained:
    """Trains to the last step, or reads what an earlier run in `options.output` ended with."""
    own = options.output / CHECKPOINT_FILE
    trainer = Trainer(options, resume=own if own.is_file() else resume)
    for progress in trainer.run(photographs):
        if progress.step % 100 == 0:
            print(f"  {options.output.name}: {progress.step} of {progress.steps}", flush=True)
    return Trained(*trainer.averaged())


class Yardstick:
    """What is measured of a trunk.

    Args:
        shared: Folder with photos/, styles/, weights/, video/ and flow/.
        photographs: How many of the held-out photographs.
        per_clip: Pairs of frames per clip.
    """

    def __init__(self, shared: Path, *, photographs: int, per_clip: int = 2) -> None:
        self._judge = Judge.load(weights=shared / "weights")
        self._photographs = split_held_out(find_photographs(shared / "photos"))[1][:photographs]
        self._paintings = {name: shared / "styles" / f"{name}.jpg" for name in STYLES}
        clips = [shared / "flow", *sorted(path for path in (shared / "video").iterdir() if path.is_dir())]
        self._pairs = [pair for clip in clips for pair in find_frame_pairs(clip, per_clip=per_clip)]

    def scores(self, trained: Trained) -> dict[str, float]:
        """Means over the three styles, and the warping error in values of 0 to 1."""
        judged = evaluate(trained, self._photographs, self._paintings, EvaluationOptions(), judge=self._judge)
        mean = mean_scores(judged)["mean"]
        errors = evaluate_frames(trained, self._pairs, STYLES)
        mean["warping_error"] = float(np.mean([errors[name] for name in STYLES]))
        return mean
