"""Short trainings for benchmarks, and how their trunks are judged: three styles on held-out photographs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import Tensor

from artrt.engine.frame import Image
from artrt.export.transformer_parity import torch_painter
from artrt.models.evaluation import EvaluationOptions, Judge, evaluate, evaluate_frames, mean_scores
from artrt.models.frame_pairs import find_frame_pairs
from artrt.models.photos import Photographs, find_photographs, split_held_out
from artrt.models.training import CHECKPOINT_FILE, Trainer, TrainingOptions
from artrt.models.transformer import StyleTransformer

STYLES = ("starry-night", "the-scream", "udnie")


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
