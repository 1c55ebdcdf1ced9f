"""The model card of a saliency network: training data, scores, speed and limits."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.frame import Image
from ..engine.stages.loading import load_stage

FRAME_PX = (96, 160)
RUNS = 60
EARLIER = ("teachers", "start")

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

Pictures with masks: ECSSD, COCO (large objects) and DAVIS-2016 sequences, used under their terms; none is shipped.
Photographs without masks: an ImageNet sample, pictures of BSDS500, Urban100 and Sun-Hays 80, and portraits, through the
class activation maps of SqueezeNet 1.1{borrowed}.

## Limits

Salient means what these masks say: people, animals, vehicles, food, things at hand. Crowds count as salient next to
a single actor; landscapes without an object give an empty mask; edges are as coarse as the grid.

## Training

```sh
{commands}
```

The settings of the last command:

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
    note: str = "",
) -> str:
    """Returns the card's text.

    Args:
        stage: The exported stage; it is run to measure its speed.
        config: The network's :class:`SaliencyConfig`.
        scores: Scores of the held-out pictures, by name.
        record: Settings of the training.
        note: Added after the speed, such as "(while a training ran)".
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
        "borrowed": " and the mean masks of earlier networks" if record.get("teachers") else "",
        "commands": "\n".join(training_commands(record)),
        "record": json.dumps({key: record[key] for key in record if key not in EARLIER}, indent=1),
    }
    return _CARD.format(**{name: scores[name] for name in scores}, **facts)


def training_commands(record: Mapping[str, Any], *, name: str = "saliency") -> list[str]:
    """The command lines of a training, after those of its teachers and its start.

    Args:
        record: Result of :meth:`SaliencyTrainingOptions.record`.
        name: Name of the result's folder.
    """
    words = ["artrt train saliency --masks saliency/ --weights weights/"]
    words += ["--photos photos/"] if record.get("photographs") else []
    commands: list[str] = []
    folders: list[tuple[Mapping[str, Any], str]] = []  # a start that is also a teacher is trained once
    earlier = [("teacher", teacher) for teacher in record.get("teachers", [])]
    earlier += [("start", record["start"])] if record.get("start") else []
    for role, first in earlier:
        folder = next((known for trained, known in folders if trained == first), None)
        if folder is None:
            folder = f"{name}-{role}-{len(folders) + 1}"
            folders.append((first, folder))
            commands += training_commands(first, name=folder) if first else []  # saved without a record
        words.append(f"--{role} runs/{folder}/saliency.safetensors")
    config = record["config"]
    words += [f"--last {config['last']} --width {config['width']} --grid {_size(config['landscape_px'])}"]
    words += [f"--steps {record['steps']} --batch {record['batch']} --share {record['photograph_share']}"]
    words += [f"--cam-weight {record['cam_weight']:g}"] if "cam_weight" in record else []
    words += [f"--weight-decay {record['weight_decay']:g}"] if "weight_decay" in record else []
    words += ["--early-layers"] if "fire2" not in record.get("frozen", ["fire2"]) else []
    return [*commands, " ".join([*words, f"--seed {record['seed']} -o runs/{name}"])]


def speed_ms(stage: Path) -> tuple[float, float]:
    """Fastest and median time of a 160x96 frame on one CPU thread, in milliseconds."""
    image: Image = np.random.default_rng(0).integers(0, 256, (*FRAME_PX, 3), np.uint8)
    times = []
    with load_stage(stage, provider="cpu", threads=1) as loaded:
        for _ in range(RUNS + 5):
            started = time.perf_counter()
            loaded(image)
            times.append((time.perf_counter() - started) * 1e3)
    return min(times[5:]), float(np.median(times[5:]))


def _size(grid: Sequence[int]) -> str:
    return f"{grid[1]}x{grid[0]}"
