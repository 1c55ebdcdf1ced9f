"""Averages two checkpoints of one training into a trunk that is better than either.

The average of the weights of two trainings from one start often beats both (Wortsman et al., "Model soups", ICML 2022).
Their features do not agree everywhere, so what the average paints has less contrast; a factor on the last layer gives
it back.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from ...engine.errors import UsageError
from .checkpoint import (
    ENCODER_PREFIX,
    TRUNK_PREFIX,
    averaged_weights,
    check_styles,
    read_checkpoint,
    write_checkpoint,
)

#: The last layer of the transformer.
LAST = f"{TRUNK_PREFIX}head."
LEAST_CONTRAST, MOST_CONTRAST = 0.5, 2.0


def average_checkpoints(
    first: Path, second: Path, output: Path, *, share: float = 0.5, contrast: float = 1.0
) -> Path:
    """Writes a checkpoint with the mean of the averaged trunks and style vectors of two others.

    Everything else is the second one's, the style encoder, too: let it learn once more (`--encoder-alone`).

    Args:
        first: A checkpoint of a trunk.
        second: A checkpoint of a trunk with the same configuration and styles.
        output: The new checkpoint; a training can start from it.
        share: Share of the second one, 0 to 1.
        contrast: Factor on the painting's distance from mid-grey, 0.5 to 2.

    Returns:
        `output`.

    Raises:
        InputError: A file is missing or not a checkpoint.
        OutputError: The new checkpoint cannot be written.
        UsageError: A number is out of range, or the checkpoints do not belong together.
    """
    if not 0 <= share <= 1:
        raise UsageError(f"share {share}: expected 0 to 1, how much of the second checkpoint to take")
    if not LEAST_CONTRAST <= contrast <= MOST_CONTRAST:
        raise UsageError(f"contrast {contrast}: expected {LEAST_CONTRAST} to {MOST_CONTRAST}")
    one, other = read_checkpoint(first), read_checkpoint(second)
    if not averaged_weights(one):
        raise UsageError(f"{first} trains single styles, not a trunk")
    check_styles(second, other, config=one["config"], styles=list(one["styles"]))
    average = dict(other["average"])
    for name, tensor in average.items():
        if not name.startswith(ENCODER_PREFIX):
            mean = (1 - share) * _same(one["average"], name, tensor, first, second) + share * tensor.float()
            average[name] = mean * contrast if name.startswith(LAST) else mean
    history = json.loads(other["history"])
    history[-1]["averaged"] = {"step": one["step"], "share": share, "contrast": contrast}
    write_checkpoint(output, other | _started(other, average) | {"history": json.dumps(history)})
    return output


def _same(known: dict[str, Tensor], name: str, like: Tensor, first: Path, second: Path) -> Tensor:
    """The other checkpoint's tensor of this name, in float32."""
    tensor = known.get(name)
    if tensor is None or tensor.shape != like.shape:
        raise UsageError(f"{first} and {second} are not of one trunk: {name} differs")
    return tensor.float()


def _started(state: dict[str, Any], average: dict[str, Tensor]) -> dict[str, Any]:
    """The parts of a checkpoint whose weights are the average, without an optimizer's state."""
    trunk = {name: average.get(f"{TRUNK_PREFIX}{name}", t) for name, t in state["transformer"].items()}
    bank = {name: average[f"bank.{name}"] for name in state["bank"]}
    return {"average": average, "transformer": trunk, "bank": bank, "optimizer": {}, "gate": {}}
