"""The model card of a saliency network: what it was trained on, how it scores, how fast it is, where it fails."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.frame import Image
from ..engine.stages import load_stage

if TYPE_CHECKING:
    from ..models.saliency_training import SaliencyTrainingOptions

FRAME_PX = (96, 160)
RUNS = 60

_CARD = """# saliency

The `saliency` stage: a frame of any size in, a soft mask of the region that a viewer looks at out. {parameters:,}
parameters, {kilobytes:.0f} kB. Licence: Apache-2.0.

* Encoder: SqueezeNet 1.1 to `{last}`, started from ImageNet weights; decoder: a feature pyramid of {width} channels
* Grid: {landscape} for wide frames, its transpose for tall ones, {square} for nearly square ones
* Speed: {fastest_ms:.2f} ms (fastest), {median_ms:.2f} ms (median of {runs}) for a 160x96 frame in ONNX Runtime on
  one thread{note}

## Scores

On {pictures} held-out pictures (of the single pictures and of the video sequences, each sorted by name, the fifth,
tenth, ...; sequences as a whole), compared at the size of the drawn masks:

| F-measure, best threshold | F-measure at 0.5 | F-measure, adaptive | mean absolute error |
|-|-|-|-|
| {f_max:.3f} (at {f_max_threshold:.2f}) | {f_half:.3f} | {f_adaptive:.3f} | {mae:.3f} |

beta^2 = 0.3; docs/metrics.md defines each. The held-out pictures took no part in training.

## Data

Pictures with masks: COCO (large objects) and DAVIS-2016 sequences, used under their terms; none is shipped.
Photographs without masks: an ImageNet sample, through the class activation maps of SqueezeNet 1.1{borrowed}.

## Limits

Salient means what these masks say: people, animals, vehicles, food, things at hand. Crowds count as salient next to
a single actor; landscapes without an object give an empty mask; edges are as coarse as a grid of 160x96.

## Training

`{command}`

```json
{record}
```
"""


def saliency_card(
    stage: Path,
    *,
    config: Any,
    scores: Mapping[str, float],
    record: Mapping[str, Any],
    command: str,
    note: str = "",
) -> str:
    """Writes the card's text.

    Args:
        stage: the exported stage; it is run to measure its speed.
        config: the network's :class:`SaliencyConfig`.
        scores: of the held-out pictures, by name.
        record: the training's settings.
        command: the command line of the training, see :func:`training_command`.
        note: said behind the speed, as "(while a training ran)".
    """
    from .onnx_cost import cost_of

    fastest, median = speed_ms(stage)
    facts: dict[str, Any] = {
        "parameters": cost_of(stage, height=FRAME_PX[0], width=FRAME_PX[1]).parameters,
        "kilobytes": stage.stat().st_size / 1e3,
        "last": config.last,
        "width": config.width,
        "landscape": _size(config.landscape_px),
        "square": _size(config.square_px),
        "fastest_ms": fastest,
        "median_ms": median,
        "runs": RUNS,
        "note": f" {note}" if note else "",
        "borrowed": " and the masks that earlier networks and GrabCut drew together"
        if record.get("teachers")
        else "",
        "command": command,
        "record": json.dumps(dict(record), indent=1),
    }
    return _CARD.format(**{name: scores[name] for name in scores}, **facts)


def training_command(options: SaliencyTrainingOptions) -> str:
    """The command line of a training, its folders and networks by their last names alone."""
    config, photographs = options.config, options.photographs
    words = ["artrt train saliency", f"--masks {options.masks.name}"]
    words += [f"--photos {photographs.name}"] if photographs else []
    words += [
        f"--weights {options.localization.parent.name}",
        *(f"--teacher {_short(t)}" for t in options.teachers),
    ]
    words += [f"--start {_short(options.start)}"] if options.start else []
    words += [f"--last {config.last}", f"--width {config.width}", f"--grid {_size(config.landscape_px)}"]
    words += [f"--steps {options.steps}", f"--batch {options.batch}", f"--seed {options.seed}"]
    return " ".join([*words, f"-o {options.output.name}"])


def speed_ms(stage: Path) -> tuple[float, float]:
    """Fastest and median time of a 160x96 frame on one thread of the CPU, in milliseconds."""
    image: Image = np.random.default_rng(0).integers(0, 256, (*FRAME_PX, 3), np.uint8)
    times = []
    with load_stage(stage, provider="cpu", threads=1) as loaded:
        for _ in range(RUNS + 5):
            started = time.perf_counter()
            loaded(image)
            times.append((time.perf_counter() - started) * 1e3)
    return min(times[5:]), float(np.median(times[5:]))


def _short(network: Path) -> str:
    return "/".join(network.parts[-2:])


def _size(grid: tuple[int, int]) -> str:
    return f"{grid[1]}x{grid[0]}"
